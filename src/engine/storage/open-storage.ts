import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../base/errors.ts';
import { openLocalStorage } from './local-storage.ts';
import { memoryStorage } from './memory-storage.ts';
import type { Storage } from './port.ts';
import type { StorageSettings } from './storage-settings.ts';

/**
 * Opens a path, or an address that begins with `file://`, `sftp://` or `memory:`. What a kind of destination needs of
 * libraries is loaded on its first use. Throws `usage` for an address of another kind.
 */
export async function openStorage(address: string, settings: StorageSettings = {}): Promise<Storage> {
  if (address === 'memory:') return memoryStorage();
  if (address.startsWith('file://')) return openLocalStorage({ folder: fileURLToPath(address) });
  if (/^sftp:/i.test(address)) {
    const { openSftpStorage } = await import('./sftp/sftp-storage.ts');
    return openSftpStorage({ address, settings: settings.sftp ?? {} });
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1];
  if (scheme === undefined) return openLocalStorage({ folder: address });
  throw new HoldfastError('usage', `destinations of the kind ${scheme}: are not supported`, {
    next: 'give a folder, such as /var/backups/holdfast, or sftp://user@host/folder',
  });
}
