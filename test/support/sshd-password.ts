/** A server that takes one password, in one of the two ways there are. OpenSSH would need an account of the machine for it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { fingerprintOfFile } from './sshd.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface PasswordServer {
  readonly address: string;
  readonly fingerprint: string;
  /** Ways to log in that were tried, in order. */
  readonly tried: readonly string[];
}

export async function startPasswordServer(
  test: TestContext,
  way: 'password' | 'keyboard-interactive',
  password: string,
): Promise<PasswordServer> {
  const folder = await temporaryFolder(test);
  const file = join(folder, 'host-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  const tried: string[] = [];
  const clients = new Set<Connection>();
  const judge = (context: AuthContext) => {
    tried.push(context.method);
    if (context.method === 'password' && way === 'password') {
      settle(context, context.password === password);
    } else if (context.method === 'keyboard-interactive' && way === 'keyboard-interactive') {
      context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
        settle(context, answers[0] === password),
      );
    } else {
      settle(context, false);
    }
  };
  const settle = (context: AuthContext, isRight: boolean) =>
    isRight ? context.accept() : context.reject([way]);
  const server = new ssh2.Server({ hostKeys: [readFileSync(file)] }, (client) => {
    clients.add(client);
    client.on('error', () => {});
    client.on('authentication', judge);
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        const sftp = acceptSftp();
        sftp.on('LSTAT', (id) => sftp.status(id, ssh2.utils.sftp.STATUS_CODE.NO_SUCH_FILE));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.after(() => {
    for (const client of clients) client.end();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    address: `sftp://backup@127.0.0.1:${port}/store`,
    fingerprint: fingerprintOfFile(`${file}.pub`),
    tried,
  };
}
