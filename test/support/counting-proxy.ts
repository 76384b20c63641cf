/** A loopback proxy that passes bytes on as they are and counts those that went to the server. */
import { createServer, connect as dial, type Socket } from 'node:net';

export interface CountingProxy {
  readonly port: number;
  /** Bytes to the server since the last `reset`. */
  sent(): number;
  reset(): void;
  /** Resolves once so many bytes were sent since the last `reset`. */
  after(bytes: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startCountingProxy(serverPort: number): Promise<CountingProxy> {
  let sent = 0;
  let waiting: { bytes: number; resolve: () => void }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      sent += bytes.length;
      for (const one of waiting.filter((each) => each.bytes <= sent)) one.resolve();
      waiting = waiting.filter((each) => each.bytes > sent);
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sent: () => sent,
    reset() {
      sent = 0;
    },
    after: (bytes) => new Promise((resolve) => waiting.push({ bytes, resolve })),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
