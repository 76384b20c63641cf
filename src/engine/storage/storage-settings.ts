import type { StorageLimits } from './limited-storage.ts';
import type { S3Settings } from './s3/s3-settings.ts';
import type { SftpSettings } from './sftp/sftp-settings.ts';

/** What an address does not say: credentials and trust of each kind of destination. Kinds not used are ignored. */
export interface StorageSettings {
  /** Of every kind. */
  readonly limits?: StorageLimits;
  readonly s3?: S3Settings;
  readonly sftp?: SftpSettings;
}
