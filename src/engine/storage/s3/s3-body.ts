import { Readable } from 'node:stream';
import { PACED_BYTES } from '../limited-storage.ts';
import type { StorageOptions } from '../port.ts';
import { AttemptLost } from './s3-failure.ts';

interface Answer {
  readonly Body?: unknown;
  readonly ContentLength?: number | undefined;
}

/** What a request sends: bytes as they are, or piece by piece as the pace allows. */
export function bodyOf(bytes: Buffer, pace: StorageOptions['pace']): Buffer | Readable {
  if (!pace || bytes.length === 0) return bytes;
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += PACED_BYTES) {
      const piece = bytes.subarray(at, at + PACED_BYTES);
      await pace!(piece.length);
      yield piece;
    }
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: PACED_BYTES });
}

/**
 * The whole body of an answer, or `AttemptLost` when it stands still for `idleMs` or ends before its announced
 * length. The SDK's own limits end with the headers.
 */
export async function readBody(answer: Answer, idleMs: number, signal: AbortSignal): Promise<Buffer> {
  const body = answer.Body as Readable | undefined;
  if (!body) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  const giveUp = () => body.destroy(new AttemptLost(`nothing came for ${Math.round(idleMs / 1000)} s`));
  const onAbort = () => body.destroy(new AttemptLost('it took too long', { cause: signal.reason }));
  let timer = setTimeout(giveUp, idleMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    for await (const part of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, idleMs);
      parts.push(part);
      sizeBytes += part.length;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
  const { ContentLength: announced } = answer;
  if (announced !== undefined && announced !== sizeBytes)
    throw new AttemptLost(`${sizeBytes} of ${announced} bytes came`);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, sizeBytes);
}
