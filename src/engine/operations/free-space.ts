import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/port.ts';

/** A run is skipped when less than this is free at the destination (features.md row D8). */
export const MINIMUM_FREE_BYTES = 500 * 1000 ** 2;

/** Throws `space_low` with both numbers. A destination that does not say how much is free passes; 0 asks for nothing. */
export async function refuseLowSpace(
  storage: Pick<Storage, 'address' | 'freeBytes'>,
  minimumBytes = MINIMUM_FREE_BYTES,
): Promise<void> {
  if (minimumBytes === 0) return;
  const freeBytes = await storage.freeBytes();
  if (freeBytes === null || freeBytes >= minimumBytes) return;
  throw new HoldfastError(
    'space_low',
    `${storage.address} has ${amount(freeBytes, Math.floor)} free, the minimum is ${amount(minimumBytes, Math.ceil)}: the run was skipped`,
  );
}

/** Rounded away from each other, so that the two numbers never look equal; exact where megabytes are too coarse. */
function amount(bytes: number, round: (value: number) => number): string {
  return bytes < 10 * 1000 ** 2 ? `${bytes} bytes` : `${round(bytes / 1000 ** 2)} MB`;
}
