/** Ports for servers that cannot be asked for one: sshd, Ceph, PostgreSQL. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which the system takes ports for outgoing connections: those of other programs would take one
 * between its choice and its use, or while a server restarts.
 */
const [FIRST, END] = [12_000, 32_000];

/**
 * A port of 127.0.0.1 on which nobody listens. Of processes that ask for ports, on Linux, no two get the same while the first
 * lives: each holds a name in the system that vanishes with it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (!(await canHold({ host: '127.0.0.1', port }))) continue;
    if (process.platform !== 'linux' || (await canHold({ path: `\0holdfast-port-${port}` }, true)))
      return port;
  }
}

/** True when it could be listened on. With `keep` it stays so until this process ends. */
function canHold(where: { host: string; port: number } | { path: string }, keep = false): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.unref();
    server.once('error', () => resolve(false));
    server.listen(where, () => {
      if (keep) resolve(true);
      else server.close(() => resolve(true));
    });
  });
}
