import { openStorage } from '../storage/open-storage.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';

export interface StorageUse {
  readonly objects: number;
  readonly bytes: number;
}

/** What lies at a destination, by its listing: no key is needed. Throws `storage_*`, `usage` for a wrong address, and the abort. */
export async function measureDestination(request: {
  readonly address: string;
  readonly storage?: StorageSettings;
  readonly signal: AbortSignal;
}): Promise<StorageUse> {
  const { address, signal } = request;
  const storage = await openStorage(address, request.storage);
  try {
    let [objects, bytes] = [0, 0];
    for await (const { sizeBytes } of storage.list('', { signal })) {
      signal.throwIfAborted();
      objects += 1;
      bytes += sizeBytes;
    }
    return { objects, bytes };
  } finally {
    await storage.close();
  }
}
