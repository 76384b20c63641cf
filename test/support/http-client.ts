import { request as httpRequest } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** Parsed; null when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly json: any;
}

export interface Sent {
  /** As JSON, unless `raw` is given. */
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Somebody who sends requests and keeps cookies. */
export interface HttpClient {
  readonly cookies: Map<string, string>;
  /** Headers of every request. */
  readonly headers: Record<string, string>;
  send(method: string, path: string, sent?: Sent): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
}

/** Over `node:http`, which, unlike `fetch`, lets a test set Host, Origin and Cookie. */
export function httpClient(address: string): HttpClient {
  const cookies = new Map<string, string>();
  const headers: Record<string, string> = {};
  const send: HttpClient['send'] = async (method, path, sent = {}) => {
    const answer = await exchange(address, method, path, {
      ...sent,
      headers: { ...headers, ...cookieHeader(cookies), ...sent.headers },
    });
    keepCookies(cookies, answer.headers['set-cookie']);
    return answer;
  };
  return {
    ...{ cookies, headers, send },
    get: (path) => send('GET', path),
    post: (path, body = {}) => send('POST', path, { body }),
  };
}

function cookieHeader(cookies: ReadonlyMap<string, string>): Record<string, string> {
  return cookies.size === 0
    ? {}
    : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
}

function keepCookies(cookies: Map<string, string>, set: string | string[] | undefined): void {
  for (const line of [set ?? []].flat()) {
    const [pair = '', ...attributes] = line.split('; ');
    const [name = '', value = ''] = pair.split('=');
    const isGone = attributes.some((one) => /^(Max-Age=0|Expires=Thu, 01 Jan 1970)/i.test(one));
    if (isGone || value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
}

function exchange(address: string, method: string, path: string, sent: Sent): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const payload = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
  const request = httpRequest(`${address}${path}`, {
    method,
    agent: false,
    headers: {
      ...(payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }),
      ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...sent.headers,
    },
  });
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const text = bytes.toString('utf8');
      resolve({ status: response.statusCode!, headers: response.headers, bytes, text, json: parsed(text) });
    });
  });
  request.end(payload);
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
