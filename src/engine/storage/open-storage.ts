import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../base/errors.ts';
import { openLocalStorage } from './local-storage.ts';
import { memoryStorage } from './memory-storage.ts';
import type { Storage } from './port.ts';
import type { S3Settings } from './s3/s3-settings.ts';
import type { StorageSettings } from './storage-settings.ts';

/**
 * Opens a path, or an address that begins with `file://`, `s3:`, `supabase://`, `sftp://` or `memory:`. What a kind of destination needs of
 * libraries is loaded on its first use. Throws `usage` for an address of another kind.
 */
export async function openStorage(address: string, settings: StorageSettings = {}): Promise<Storage> {
  if (address === 'memory:') return memoryStorage();
  if (address.startsWith('file://')) return openLocalStorage({ folder: fileURLToPath(address) });
  if (/^sftp:/i.test(address)) {
    const { openSftpStorage } = await import('./sftp/sftp-storage.ts');
    return openSftpStorage({ address, settings: settings.sftp ?? {} });
  }
  if (/^(s3|supabase):/i.test(address)) return openS3(address, settings.s3 ?? {});
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1];
  if (scheme === undefined) return openLocalStorage({ folder: address });
  throw new HoldfastError('usage', `destinations of the kind ${scheme}: are not supported`, {
    next: 'give a folder, such as /var/backups/holdfast, s3://bucket/folder or sftp://user@host/folder',
  });
}

async function openS3(address: string, settings: S3Settings): Promise<Storage> {
  const { parseS3Address } = await import('./s3/s3-address.ts');
  const { parseSupabaseAddress } = await import('./s3/supabase-address.ts');
  const isSupabase = /^supabase:/i.test(address);
  const target = isSupabase ? parseSupabaseAddress(address, settings) : parseS3Address(address, settings);
  const { openS3Storage } = await import('./s3/s3-storage.ts');
  return openS3Storage(target, settings);
}
