import type { StorageSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { s3Settings } from './s3-settings.ts';
import { sftpSettings } from './sftp-settings.ts';

/** What the environment says about the kind of destination an address names; nothing for a folder. */
export async function storageSettings(cli: Cli, address: string): Promise<StorageSettings> {
  if (/^sftp:/i.test(address)) return { sftp: await sftpSettings(cli) };
  if (/^(s3|supabase):/i.test(address)) return { s3: await s3Settings(cli) };
  return {};
}
