import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { HoldfastError } from '../../engine/index.ts';
import { type Outbound, vettedHost } from './vetted-host.ts';
import { fixedLookup } from './vetted-socket.ts';

export interface OutboundRequest {
  /** `https:` or `http:`, without user or password. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the first question to DNS to the last byte of the answer. */
  readonly timeoutMs: number;
  /** An authority of one's own, PEM; for tests and private networks. */
  readonly ca?: string;
  /** Keeps the body as far as it is read, for programs, instead of its beginning. */
  readonly wholeBody?: true;
}

export interface OutboundAnswer {
  readonly status: number;
  /** The beginning of the body, for people; up to 64 KiB of it with `wholeBody`. */
  readonly body: string;
  /** In seconds, when the server says so; null otherwise. */
  readonly retryAfterSeconds: number | null;
}

const BODY_KEPT = 500;
/** More than this is not read: an endless answer ends here. */
const BODY_READ = 64 * 1024;

/**
 * One request to an address that was vetted. Redirects are not followed: a 3xx is an answer like any other. Throws
 * `config_invalid` for what is no address of the web, `address_refused`, `host_unresolved`, `notice_failed` for a connection
 * that fails or takes too long. No message holds more of the URL than its host, since the rest may be a secret.
 */
export async function vettedRequest(request: OutboundRequest, outbound: Outbound): Promise<OutboundAnswer> {
  const url = webAddress(request.url);
  const signal = AbortSignal.timeout(request.timeoutMs);
  try {
    const addresses = await abortable(vettedHost(url.hostname, outbound), signal);
    return await send(url, request, fixedLookup(addresses), signal);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const why = signal.aborted ? `no answer within ${request.timeoutMs / 1000} seconds` : reasonOf(error);
    throw new HoldfastError('notice_failed', `${url.host}: ${why}`, { cause: error });
  }
}

/** Throws `config_invalid`. Spellings of addresses (`http://0x7f.1`, `http://2130706433`) are read as Node connects to them. */
export function webAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new HoldfastError('config_invalid', 'the address is not one of the web', {
      next: 'write https://host/path',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new HoldfastError('config_invalid', `the address at ${url.host} holds a user or password`);
  }
  return url;
}

function send(
  url: URL,
  { method, headers, body, ca, wholeBody }: OutboundRequest,
  lookup: ReturnType<typeof fixedLookup>,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>();
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const call = start(url, {
    method,
    headers: { 'User-Agent': 'Holdfast', ...headers, 'Content-Length': Buffer.byteLength(body ?? '') },
    lookup,
    signal,
    // A connection of its own: none that is kept open leads anywhere else.
    agent: false,
    ...(ca === undefined ? {} : { ca }),
  });
  call.on('error', reject);
  call.on('response', (answer) =>
    readAnswer(answer, wholeBody ? BODY_READ : BODY_KEPT).then(resolve, reject),
  );
  call.end(body);
  return promise;
}

async function readAnswer(answer: IncomingMessage, kept: number): Promise<OutboundAnswer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > BODY_READ) break;
  }
  const seconds = answer.headers['retry-after'];
  return {
    status: answer.statusCode!,
    body: Buffer.concat(parts).toString('utf8').slice(0, kept),
    retryAfterSeconds: seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) : null,
  };
}

/** Resolving a name cannot be stopped, but need not be waited for. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The system's words for it. Errors of TLS say what is wrong with the certificate. */
function reasonOf(error: unknown): string {
  const { code, message, errors } = error as { code?: string; message?: string; errors?: unknown[] };
  if (errors?.[0]) return reasonOf(errors[0]);
  return code ?? message ?? 'it failed';
}
