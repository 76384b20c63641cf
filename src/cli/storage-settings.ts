import type { StorageSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { s3Settings } from './s3-settings.ts';
import type { Destination } from './settings.ts';
import { sftpSettings } from './sftp-settings.ts';

/** What configuration and environment say about the kind of destination an address names; nothing for a folder. */
export async function storageSettings(
  cli: Cli,
  { address, login, folder }: Pick<Destination, 'address' | 'login' | 'folder'>,
): Promise<StorageSettings> {
  if (/^sftp:/i.test(address)) return { sftp: await sftpSettings(cli, login, folder) };
  if (/^(s3|supabase):/i.test(address)) return { s3: await s3Settings(cli, login, folder) };
  return {};
}
