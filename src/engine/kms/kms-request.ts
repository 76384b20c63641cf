import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../base/errors.ts';

export interface KmsAnswer {
  readonly status: number;
  /** Null when the answer is no JSON object. */
  readonly body: { readonly [key: string]: unknown } | null;
}

const LIMIT_MS = 10_000;
/** Some 200 bytes are usual. */
const MAX_ANSWER_BYTES = 64 * 1024;
const WAITS_MS = [200, 1000, 3000];

/**
 * Posts JSON to a service and gives its answer, asking again when it is busy or does not answer. Follows no redirect: what goes holds a secret.
 * Throws `kms_unreachable`. `service` is for messages. `headers` is called for each attempt.
 */
export async function kmsRequest(request: {
  readonly url: string;
  readonly service: string;
  readonly body: string;
  readonly headers: () => Readonly<Record<string, string>>;
}): Promise<KmsAnswer> {
  for (let attempt = 0; ; attempt += 1) {
    const isLast = attempt === WAITS_MS.length;
    try {
      const answer = await post(request);
      if ((answer.status !== 429 && answer.status < 500) || isLast) return answer;
    } catch (error) {
      if (isLast) throw unreachable(request.service, error);
    }
    await wait(WAITS_MS[attempt]);
  }
}

async function post({ url, body, headers }: Parameters<typeof kmsRequest>[0]): Promise<KmsAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: headers(),
    redirect: 'manual',
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    parts.push(part);
    length += part.length;
    if (length > MAX_ANSWER_BYTES) break;
  }
  return { status: answer.status, body: parsed(Buffer.concat(parts).toString('utf8')) };
}

function parsed(text: string): KmsAnswer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as KmsAnswer['body'])
      : null;
  } catch {
    return null;
  }
}

function unreachable(service: string, error: unknown): HoldfastError {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return new HoldfastError(
    'kms_unreachable',
    `${service} does not answer: ${cause?.code ?? cause?.message ?? message}`,
    {
      cause: error,
    },
  );
}

/** Canonical base64, the form both services use. Null for anything else. */
export function fromBase64(value: unknown): Buffer | null {
  if (typeof value !== 'string' || value.length > 16_384) return null;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : null;
}
