import { Readable } from 'node:stream';
import { PACED_BYTES } from '../limited-storage.ts';
import type { StorageOptions } from '../port.ts';
import { AttemptLost } from './s3-failure.ts';

interface Answer {
  readonly Body?: unknown;
  readonly ContentLength?: number | undefined;
}

/** Memory that an answer gets because it says so; what is larger, or says nothing, is put together as it comes. */
const MOST_AT_ONCE_BYTES = 64 << 20;

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
  const { ContentLength: announced } = answer;
  // Filled as it comes: parts that are joined at the end take the memory twice.
  const whole = Buffer.allocUnsafeSlow(Math.min(announced ?? 0, MOST_AT_ONCE_BYTES));
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
      if (sizeBytes + part.length <= whole.length) part.copy(whole, sizeBytes);
      else parts.push(part);
      sizeBytes += part.length;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
  if (announced !== undefined && announced !== sizeBytes)
    throw new AttemptLost(`${sizeBytes} of ${announced} bytes came`);
  if (parts.length === 0) return whole;
  return Buffer.concat([whole.subarray(0, sizeBytes - lengthOf(parts)), ...parts], sizeBytes);
}

const lengthOf = (parts: readonly Buffer[]) => parts.reduce((sum, { length }) => sum + length, 0);
