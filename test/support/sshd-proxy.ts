/** A line to a server that can be cut at a chosen packet, in either direction, or fall silent. */
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type Direction = 'to server' | 'to client';

export interface SshdProxy {
  readonly port: number;
  /** Packets that passed since the last `arm`, as the operating system hands them over. */
  readonly packets: Readonly<Record<Direction, number>>;
  readonly connections: number;
  /** Starts counting; cuts every connection in the middle of packet `number` (from 0) of a direction, once. */
  arm(direction: Direction, number: number): void;
  /** Cuts every connection after so many more bytes of a direction, once. */
  armBytes(direction: Direction, bytes: number): void;
  disarm(): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  thaw(): void;
}

export async function startSshdProxy(test: TestContext, serverPort: number): Promise<SshdProxy> {
  const sockets = new Set<Socket>();
  const packets: Record<Direction, number> = { 'to server': 0, 'to client': 0 };
  let cut: { direction: Direction; packet: number; bytes: number } | null = null;
  let isFrozen = false;
  let connections = 0;
  const cutAll = () => {
    cut = null;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const pass = (data: Buffer, to: Socket, direction: Direction) => {
    if (isFrozen) return;
    const number = packets[direction];
    packets[direction] += 1;
    if (cut?.direction !== direction || (number < cut.packet && data.length < cut.bytes)) {
      if (cut?.direction === direction) cut.bytes -= data.length;
      to.write(data);
      return;
    }
    const part = number >= cut.packet ? Math.floor(data.length / 2) : cut.bytes;
    to.write(data.subarray(0, part), cutAll);
    cut = null;
  };
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect({ port: serverPort, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => pass(data, upstream, 'to server'));
    upstream.on('data', (data) => pass(data, client, 'to client'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const count = () => {
    packets['to server'] = 0;
    packets['to client'] = 0;
  };
  return {
    port: address.port,
    packets,
    get connections() {
      return connections;
    },
    arm(direction, packet) {
      count();
      cut = { direction, packet, bytes: Number.POSITIVE_INFINITY };
    },
    armBytes(direction, bytes) {
      count();
      cut = { direction, packet: Number.POSITIVE_INFINITY, bytes };
    },
    disarm() {
      cut = null;
    },
    freeze() {
      isFrozen = true;
    },
    thaw() {
      isFrozen = false;
      cutAll();
    },
  };
}
