import { request as httpRequest } from 'node:http';
import type { Expectation, HttpCheck } from './drill-types.ts';
import { valueDifference } from './expectation.ts';

export interface HttpRequest {
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; several of one name joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
}

const LARGEST_BODY_BYTES = 4 << 20;

/** Asks the application on this machine's loopback. Redirects are not followed. Rejects when there is no whole answer. */
export async function request(call: HttpRequest): Promise<HttpAnswer> {
  return requestAt('127.0.0.1', call).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') throw error;
    return requestAt('::1', call);
  });
}

function requestAt(
  host: string,
  { port, path, method, headers, body, timeoutMs }: HttpRequest,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const call = httpRequest({
      host,
      port,
      path,
      method,
      headers: { host: `localhost:${port}`, ...headers },
      signal,
      agent: false,
    });
    call.once('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${Math.ceil(timeoutMs)} ms`) : error),
    );
    call.once('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (bytes: Buffer) => {
        size += bytes.length;
        if (size > LARGEST_BODY_BYTES) call.destroy(new Error('the answer is larger than 4 MiB'));
        else parts.push(bytes);
      });
      response.once('error', reject);
      response.once('end', () => {
        const joined = Object.entries(response.headers).map(([name, value]) => [name, String(value ?? '')]);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(joined),
          cookies: response.headers['set-cookie'] ?? [],
          body: Buffer.concat(parts).toString('utf8'),
        });
      });
    });
    call.end(body ?? undefined);
  });
}

/**
 * What is wrong with an answer, in words; null when it is as expected. Cookies go along from one request to the next, and
 * what a request saves stands for `{name}` in later ones.
 */
export async function checkHttp(
  check: HttpCheck,
  port: number,
  saved: Map<string, string>,
  cookies: Map<string, string>,
): Promise<string | null> {
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name) => saved.get(name) ?? whole);
  const headers = Object.fromEntries(
    Object.entries(check.headers).map(([name, value]) => [name, filled(value)]),
  );
  if (cookies.size > 0) headers.cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const body = check.body === null ? null : filled(check.body);
  let answer: HttpAnswer;
  try {
    answer = await request({
      port,
      path: filled(check.path),
      method: check.method,
      headers,
      body,
      timeoutMs: check.timeoutMs,
    });
  } catch (error) {
    return `no answer: ${(error as Error).message}`;
  }
  for (const line of answer.cookies) {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (name !== undefined) cookies.set(name.trim(), value ?? '');
  }
  return answerDifference(check, answer, saved);
}

/** Exported for its test. */
export function answerDifference(
  check: HttpCheck,
  answer: HttpAnswer,
  saved: Map<string, string>,
): string | null {
  if (answer.status !== check.status) return `status ${answer.status} instead of ${check.status}`;
  for (const [name, wanted] of Object.entries(check.responseHeaders)) {
    const found = answer.headers[name.toLowerCase()];
    if (found === undefined) return `the header ${name} is missing`;
    if (found !== wanted) return `the header ${name} is ${found} instead of ${wanted}`;
  }
  if (check.contains !== null && !answer.body.includes(check.contains)) {
    return `the body does not hold ${JSON.stringify(check.contains)}`;
  }
  if (Object.keys(check.json).length === 0 && Object.keys(check.save).length === 0) return null;
  let document: unknown;
  try {
    document = JSON.parse(answer.body);
  } catch {
    return 'the body is not JSON';
  }
  for (const [path, wanted] of Object.entries(check.json)) {
    const difference = jsonDifference(at(document, path), wanted);
    if (difference !== null) return `${path}: ${difference}`;
  }
  for (const [name, path] of Object.entries(check.save)) {
    const value = at(document, path);
    if (typeof value !== 'string' && typeof value !== 'number')
      return `${path}: missing, and it is to be kept as ${name}`;
    saved.set(name, String(value));
  }
  return null;
}

function jsonDifference(found: unknown, wanted: Expectation | { readonly exists: boolean }): string | null {
  if (typeof wanted === 'object' && wanted !== null && 'exists' in wanted) {
    const exists = found !== undefined;
    return exists === wanted.exists ? null : exists ? 'is there' : 'missing';
  }
  if (found === undefined) return 'missing';
  const isScalar = found === null || ['string', 'number', 'boolean'].includes(typeof found);
  return valueDifference(
    isScalar ? (found as string | number | boolean | null) : JSON.stringify(found),
    wanted,
  );
}

/** `keys.0.kid`; `length` of a list is its number of items. Undefined when there is nothing. */
function at(document: unknown, path: string): unknown {
  let value = document;
  for (const part of path === '' ? [] : path.split('.')) {
    if (Array.isArray(value) && part === 'length') value = value.length;
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, part)) {
      value = (value as Record<string, unknown>)[part];
    } else return undefined;
  }
  return value;
}
