import type { z } from 'zod';
import type { problem } from '../../../src/contracts/api/common.ts';

export type Problem = z.infer<typeof problem>;

/** What the server refused, with what to do next. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(given: Problem) {
    super(given.detail);
    this.problem = given;
  }
}

export const codeOf = (error: unknown) => (error instanceof ApiProblem ? error.problem.code : null);

/** People asked in the middle of a request; it goes on afterwards, and what is typed on the page stays. */
export interface Gates {
  /** Nobody is logged in any more. Resolves when somebody is. */
  readonly logIn: () => Promise<void>;
  /** Something dangerous needs the password once more. False when they would rather not. */
  readonly prove: () => Promise<boolean>;
}
let gates: Gates | null = null;
export const setGates = (given: Gates | null) => {
  gates = given;
};

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON; bytes as they are, with the content type of `headers`. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Refusals are given back at once, and nobody is asked to log in. */
  readonly withoutGates?: boolean;
  /** The answer is a file, given as a Blob. */
  readonly isFile?: boolean;
}

/** Rejects with `ApiProblem`; one that the server did not write stands for a server that does not answer. */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  try {
    return await send<T>(path, options);
  } catch (error) {
    const code = codeOf(error);
    if (!gates || options.withoutGates) throw error;
    if (code === 'not_authenticated') await gates.logIn();
    else if (code !== 'proof_needed' || !(await gates.prove())) throw error;
    return send<T>(path, options);
  }
}

/** For what the browser fetches by itself: asks for the password first, where it will be needed. False when it was not given. */
export async function proven(): Promise<boolean> {
  const { proof_needed } = await call<{ proof_needed: boolean }>('/api/v1/session');
  return !proof_needed || (gates !== null && (await gates.prove()));
}

async function send<T>(path: string, options: Call): Promise<T> {
  const { method = 'GET', body, headers, signal, isFile = false } = options;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        'x-holdfast-ui': '1',
        ...(body === undefined || body instanceof Blob ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiProblem(unreachable());
  }
  if (response.ok) return (await (isFile ? response.blob() : response.json())) as T;
  const given = (await response.json().catch(() => null)) as Problem | null;
  throw new ApiProblem(given?.code ? given : unreachable(response.status));
}

/** Stands for a server that does not answer, or not as itself. */
function unreachable(status = 0): Problem {
  return {
    ...{ type: 'about:blank', title: 'unreachable', status, code: 'server_unreachable' },
    ...{ detail: '', next: '', retryable: true, request_id: '' },
  };
}

/** A path with its query; what is undefined or empty is left out. */
export function pathWith(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}

/** What is wrong with a field of what was sent; null when it is not that. */
export function fieldProblem(error: unknown, ...names: readonly string[]): string | null {
  if (!(error instanceof ApiProblem)) return null;
  return error.problem.errors?.find(({ field }) => names.includes(field))?.message ?? null;
}
