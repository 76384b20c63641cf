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

/** Called when a request is refused since nobody is logged in any more. What is typed on the page stays. */
let onExpired: () => void = () => {};
export const watchExpiry = (call: () => void) => {
  onExpired = call;
};

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Rejects with `ApiProblem`; one that the server did not write stands for a server that does not answer. */
export async function call<T>(
  path: string,
  { method = 'GET', body, headers, signal }: Call = {},
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiProblem(unreachable());
  }
  if (response.ok) return (await response.json()) as T;
  const given = (await response.json().catch(() => null)) as Problem | null;
  const found = given?.code ? given : unreachable(response.status);
  if (response.status === 401 && path !== '/api/v1/session') onExpired();
  throw new ApiProblem(found);
}

function unreachable(status = 0): Problem {
  return {
    ...{ type: 'about:blank', title: 'unreachable', status, code: 'server_unreachable' },
    ...{ detail: '', next: '', retryable: true, request_id: '' },
  };
}

/** A path with its query; what is undefined is left out. */
export function pathWith(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}
