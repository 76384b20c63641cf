import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';

/** What every part of an open repository works with. */
export interface RepositoryContext {
  /** UUID text of the repository. */
  readonly id: string;
  readonly storage: Storage;
  /** Replaced as a whole when a rotation begins a new epoch. */
  readonly keys: RepositoryKeys;
  readonly clock: Clock;
}

/** Throws `key_wrong` when only an older epoch is open: whoever cannot open the newest must not write. */
export function requireWritable(context: RepositoryContext): void {
  if (context.keys.writable) return;
  throw new HoldfastError(
    'key_wrong',
    `the key given opens epoch ${context.keys.epoch} only, so the repository is read-only`,
    { next: 'give the current key to write' },
  );
}
