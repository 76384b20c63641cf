/** Watches every cipher made in this process, so that a pair of key and nonce used twice is noticed. */
import crypto, { createHash, KeyObject } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

export interface NonceRecorder {
  /** Hashes of all pairs seen, in order. */
  readonly pairs: string[];
  stop(): void;
}

export function recordNonces(): NonceRecorder {
  const pairs: string[] = [];
  const original = crypto.createCipheriv;
  const watched = (algorithm: string, key: Uint8Array | KeyObject, nonce: Uint8Array, options: object) => {
    const bytes = key instanceof KeyObject ? key.export() : key;
    const pair = createHash('sha256').update(bytes).update(nonce).digest('base64url').slice(0, 22);
    pairs.push(pair);
    return (original as (...args: unknown[]) => unknown)(algorithm, key, nonce, options);
  };
  Object.assign(crypto, { createCipheriv: watched });
  // Named imports of built-in modules are live: this makes them see the replacement.
  syncBuiltinESMExports();
  return {
    pairs,
    stop() {
      Object.assign(crypto, { createCipheriv: original });
      syncBuiltinESMExports();
    },
  };
}

/** How many of these were there before. */
export function repeats(pairs: readonly string[]): number {
  return pairs.length - new Set(pairs).size;
}
