import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';

/** An independent copy in memory, as if the disk had been cloned. */
export async function copyStorage(storage: Storage): Promise<Storage> {
  const copy = memoryStorage();
  for await (const { name } of storage.list('')) await copy.put(name, await storage.get(name));
  return copy;
}
