import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface NoticeReceiver {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. */
  answer: { status: number; headers?: Record<string, string> };
  /** Called before it answers. */
  onRequest: () => void;
}

/** An HTTP server that keeps what it gets. */
export async function noticeReceiver(t: TestContext): Promise<NoticeReceiver> {
  const received: Received[] = [];
  const receiver: NoticeReceiver = { url: '', received, answer: { status: 204 }, onRequest: () => {} };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { url: path = '', method = '', headers } = request;
    received.push({ path, method, headers, body: Buffer.concat(parts).toString('utf8') });
    receiver.onRequest();
    response.writeHead(receiver.answer.status, receiver.answer.headers).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(receiver, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
