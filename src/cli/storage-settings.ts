import { HoldfastError } from '../engine/base/errors.ts';
import type { StorageSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { s3Settings } from './s3-settings.ts';
import type { Destination } from './settings.ts';
import { sftpSettings } from './sftp-settings.ts';

/** What configuration and environment say about the kind of destination an address names; nothing for a folder. */
export async function storageSettings(
  cli: Cli,
  {
    address,
    login,
    folder,
    limits,
  }: Pick<Destination, 'address' | 'login' | 'folder'> & Pick<Partial<Destination>, 'limits'>,
): Promise<StorageSettings> {
  const found = limitsOf(cli, limits);
  const isLimited = Object.values(found).some((limit) => limit !== undefined);
  const limited = isLimited ? { limits: found } : {};
  if (/^sftp:/i.test(address)) return { ...limited, sftp: await sftpSettings(cli, login, folder) };
  if (/^(s3|supabase):/i.test(address)) return { ...limited, s3: await s3Settings(cli, login, folder) };
  return limited;
}

const MIB = 2 ** 20;

/** What the command line says counts before the configuration. */
function limitsOf(
  { options }: Cli,
  configured: Destination['limits'],
): NonNullable<StorageSettings['limits']> {
  const rate = (given: string | undefined, flag: string, from: number | undefined) => {
    const value = given === undefined ? from : Number(given);
    if (value === undefined) return undefined;
    if (value >= 0.05 && value <= 100_000) return Math.round(value * MIB);
    throw new HoldfastError('usage', `${flag} ${given} is not a bandwidth`, {
      next: 'give it in MiB each second, such as 2.5',
    });
  };
  return {
    uploadBytesPerSecond: rate(options.limitUpload, '--limit-upload', configured?.uploadMiBPerSecond),
    downloadBytesPerSecond: rate(options.limitDownload, '--limit-download', configured?.downloadMiBPerSecond),
    concurrency: configured?.concurrency,
  };
}
