import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../base/errors.ts';
import { openLocalStorage } from './local-storage.ts';
import { memoryStorage } from './memory-storage.ts';
import type { Storage } from './port.ts';

/** Opens a path, a `file://` address or `memory:`. Throws `usage` for an address of another kind. */
export async function openStorage(address: string): Promise<Storage> {
  if (address === 'memory:') return memoryStorage();
  if (address.startsWith('file://')) return openLocalStorage({ folder: fileURLToPath(address) });
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1];
  if (scheme === undefined) return openLocalStorage({ folder: address });
  throw new HoldfastError('usage', `destinations of the kind ${scheme}: are not supported`, {
    next: 'give a folder, such as /var/backups/holdfast',
  });
}
