import { HoldfastError } from '../base/errors.ts';
import { NONCE_BYTES } from './gcm.ts';

/** Counters stop before this many nonces: the strictest bound of the formats, and GCM's own advice. */
export const MAX_COUNTER = 2 ** 32;

/** `first` as u32 BE and `counter` as u64 BE. Throws `internal` at `limit`: a wrapped counter would repeat a nonce. */
export function counterNonce(first: number, counter: number, limit: number = MAX_COUNTER): Buffer {
  if (!Number.isInteger(counter) || counter < 0 || counter >= Math.min(limit, MAX_COUNTER)) {
    throw new HoldfastError('internal', `nonce counter ${counter} is out of range: the key is used up`);
  }
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(first, 0);
  nonce.writeUInt32BE(counter, 8);
  return nonce;
}
