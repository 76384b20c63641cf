import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../base/errors.ts';
import type { StorageLimits } from './limited-storage.ts';
import { openLocalStorage } from './local-storage.ts';
import { memoryStorage } from './memory-storage.ts';
import type { Storage } from './port.ts';
import { PATIENCE, type S3Settings } from './s3/s3-settings.ts';
import type { StorageSettings } from './storage-settings.ts';

/**
 * Opens a path, or an address that begins with `file://`, `s3:`, `supabase://`, `sftp://` or `memory:`. What a kind of destination needs of
 * libraries is loaded on its first use. Throws `usage` for an address of another kind.
 */
export async function openStorage(address: string, settings: StorageSettings = {}): Promise<Storage> {
  const { limits } = settings;
  if (!limits || !isLimited(limits)) return openUnlimited(address, settings);
  const { limitedStorage } = await import('./limited-storage.ts');
  return limitedStorage(await openUnlimited(address, patient(settings, limits)), limits);
}

const isLimited = (limits: StorageLimits) => Object.values(limits).some((limit) => limit !== undefined);

/** A call takes longer where less goes through, and must not be given up for it. */
function patient(settings: StorageSettings, limits: StorageLimits): StorageSettings {
  const slowest = Math.min(
    limits.uploadBytesPerSecond ?? Infinity,
    limits.downloadBytesPerSecond ?? Infinity,
  );
  if (!Number.isFinite(slowest)) return settings;
  const patience = settings.s3?.patience ?? PATIENCE;
  const slowestBytesPerSecond = Math.min(patience.slowestBytesPerSecond, slowest / CALLS_AT_ONCE);
  return { ...settings, s3: { ...settings.s3, patience: { ...patience, slowestBytesPerSecond } } };
}

/** So many may share the bandwidth. */
const CALLS_AT_ONCE = 32;

async function openUnlimited(address: string, settings: StorageSettings): Promise<Storage> {
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
