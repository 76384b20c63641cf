import type { Clock } from '../../src/engine/base/clock.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { clockedStorage } from './clocked-storage.ts';

/** An independent copy in memory, times and all, as if the disk had been cloned; its own clock is the given one. */
export async function copyStorage(storage: Storage, clock: Clock): Promise<Storage> {
  const copy = memoryStorage();
  const writtenAtMs = new Map<string, number>();
  for await (const { name, modifiedAtMs } of storage.list('')) {
    await copy.put(name, await storage.get(name));
    writtenAtMs.set(name, modifiedAtMs);
  }
  return clockedStorage(copy, clock, writtenAtMs);
}
