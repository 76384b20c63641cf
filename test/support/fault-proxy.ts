/** Stands between a client and an HTTP server and spoils single exchanges, as networks and servers do. */
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';

export type Fault =
  /** The connection breaks before anything is read. */
  | 'cut'
  /** Half of what is sent arrives. */
  | 'cut-upload'
  /** The server does it, and its answer never arrives. */
  | 'lost-answer'
  | 'slow-down'
  /** The clock of the request is said to be wrong. Not among FAULTS: the SDK corrects itself once. */
  | 'skewed'
  | 'server-error'
  /** The connection breaks within the answer. */
  | 'cut-answer'
  /** A whole answer, said to be so, that ends early. */
  | 'short-answer'
  | 'flipped-answer'
  | 'flipped-upload'
  /** Nothing ever comes. */
  | 'stall'
  /** Half of the answer comes, then nothing. */
  | 'stall-answer';

export const FAULTS: readonly Fault[] = [
  'cut',
  'cut-upload',
  'lost-answer',
  'slow-down',
  'server-error',
  'cut-answer',
  'short-answer',
  'flipped-answer',
  'flipped-upload',
  'stall',
  'stall-answer',
];

export interface Exchange {
  readonly method: string;
  readonly url: string;
  /** Counts from 1 since the plan was set. */
  readonly nth: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Decides over each exchange; null lets it pass. `place` (0 to 1) says where bytes are spoiled. Counting begins anew. */
  plan(decide: (exchange: Exchange) => Fault | null, place?: () => number): void;
  /** Exchanges, and faults done, since the plan was set. */
  readonly exchanges: number;
  readonly faults: number;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let decide: (exchange: Exchange) => Fault | null = () => null;
  let place = () => 1 / 3;
  let exchanges = 0;
  let faults = 0;
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    exchanges += 1;
    const exchange = { method: incoming.method ?? '', url: incoming.url ?? '', nth: exchanges };
    const fault = decide(exchange);
    if (fault !== null) faults += 1;
    pass(incoming, outgoing, { targetPort, agent, fault, place: place() }).catch(() => outgoing.destroy());
  });
  const port = await listen(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    plan(next, nextPlace = () => 1 / 3) {
      decide = next;
      place = nextPlace;
      exchanges = 0;
      faults = 0;
    },
    get exchanges() {
      return exchanges;
    },
    get faults() {
      return faults;
    },
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function listen(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return (server.address() as { port: number }).port;
}

interface Way {
  readonly targetPort: number;
  readonly agent: Agent;
  readonly fault: Fault | null;
  readonly place: number;
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, way: Way): Promise<void> {
  const { fault } = way;
  if (fault === 'cut') return void incoming.socket.destroy();
  if (fault === 'stall') return void incoming.resume();
  const body = await whole(incoming);
  if (fault !== null && fault in REFUSALS) return refuse(outgoing, fault as keyof typeof REFUSALS);
  if (fault === 'cut-upload') {
    await forward(incoming, body, way).catch(() => {});
    return void incoming.socket.destroy();
  }
  const answer = await forward(incoming, fault === 'flipped-upload' ? flipped(body, way.place) : body, way);
  if (fault === 'lost-answer') return void incoming.socket.destroy();
  deliver(outgoing, answer, way);
}

async function whole(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function forward(incoming: IncomingMessage, body: Buffer, way: Way): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { expect: _, ...headers } = incoming.headers;
  const sent = request({
    host: '127.0.0.1',
    port: way.targetPort,
    method: incoming.method,
    path: incoming.url,
    headers,
    agent: way.fault === 'cut-upload' ? false : way.agent,
  });
  sent.on('error', reject);
  sent.on('response', (response) => {
    whole(response).then(
      (bytes) => resolve({ status: response.statusCode ?? 500, headers: response.headers, body: bytes }),
      reject,
    );
  });
  if (way.fault === 'cut-upload' && body.length > 1) {
    sent.write(body.subarray(0, body.length / 2), () => setTimeout(() => sent.destroy(), 20));
  } else {
    sent.end(body);
  }
  return promise;
}

function deliver(outgoing: ServerResponse, { status, headers, body }: Answer, { fault, place }: Way): void {
  const half = Math.floor(body.length * place);
  const shown =
    fault === 'flipped-answer'
      ? flipped(body, place)
      : fault === 'short-answer'
        ? body.subarray(0, half)
        : body;
  const { 'transfer-encoding': _, 'content-length': announced, ...rest } = headers;
  // The answer to HEAD announces a length and has no body.
  const isBodiless = body.length === 0 && announced !== undefined;
  const length = isBodiless ? announced : String(shown.length);
  outgoing.writeHead(status, { ...rest, ...(status === 204 ? {} : { 'content-length': length }) });
  if (fault === 'cut-answer') outgoing.write(body.subarray(0, half), () => outgoing.destroy());
  else if (fault === 'stall-answer') outgoing.write(body.subarray(0, half));
  else outgoing.end(shown);
}

/** The dice do name one byte twice, and the same wrong bytes twice are what a damaged object gives: so how it changes is theirs, too. */
function flipped(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(copy.length * place);
  if (copy.length > 0) copy[at] = copy[at]! ^ (1 + (Math.floor(place * 2 ** 40) % 255));
  return copy;
}

const REFUSALS = {
  'slow-down': [503, 'SlowDown'],
  'server-error': [500, 'InternalError'],
  skewed: [403, 'RequestTimeTooSkewed'],
} as const;

function refuse(outgoing: ServerResponse, fault: keyof typeof REFUSALS): void {
  const [status, code] = REFUSALS[fault];
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
  outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(text);
}
