import type { KeyReference } from '../contracts/config.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { StorageSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { referredSecret, secretVariable } from './secret-variable.ts';
import type { Login } from './settings.ts';

type S3Settings = NonNullable<StorageSettings['s3']>;

/**
 * How to log in to S3, from S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and S3_SESSION_TOKEN, or for Supabase from
 * SUPABASE_SERVICE_ROLE_KEY and SUPABASE_ANON_KEY (each also with `_FILE`); bucket and region where the address has none, from S3_BUCKET and
 * S3_REGION. What the configuration names comes before the environment. Without keys the AWS library finds its own. Throws `usage` for half a pair, `storage_denied` for a file that is named and cannot be read.
 */
export async function s3Settings(cli: Cli, login: Login = {}, folder = cli.io.folder): Promise<S3Settings> {
  const { S3_BUCKET, S3_REGION } = cli.io.environment;
  const place = { bucket: S3_BUCKET || undefined, region: S3_REGION || undefined };
  if (login.s3 || login.supabase) return { ...place, ...(await configured(cli, login, folder)) };
  const [accessKeyId, secretAccessKey, sessionToken, serviceRoleKey, anonKey] = await Promise.all([
    secret(cli, 'S3_ACCESS_KEY_ID'),
    secret(cli, 'S3_SECRET_ACCESS_KEY'),
    secret(cli, 'S3_SESSION_TOKEN'),
    secret(cli, 'SUPABASE_SERVICE_ROLE_KEY'),
    secret(cli, 'SUPABASE_ANON_KEY'),
  ]);
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? 'S3_ACCESS_KEY_ID' : 'S3_SECRET_ACCESS_KEY';
    throw new HoldfastError('usage', `${missing} is not set`, {
      next: `set ${missing}, or neither of the two`,
    });
  }
  return {
    ...place,
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey, sessionToken } }),
    ...(serviceRoleKey && { supabase: { serviceRoleKey, anonKey } }),
  };
}

/** What the configuration names counts alone: half from there and half from the environment would fit by chance only. */
async function configured(cli: Cli, { s3, supabase }: Login, folder: string): Promise<S3Settings> {
  const of = async (reference: KeyReference | undefined, field: string) =>
    reference && (await referredSecret(cli, reference, folder, field)).trim();
  const [accessKeyId, secretAccessKey, sessionToken, serviceRoleKey, anonKey] = await Promise.all([
    of(s3?.accessKeyId, 's3.accessKeyId'),
    of(s3?.secretAccessKey, 's3.secretAccessKey'),
    of(s3?.sessionToken, 's3.sessionToken'),
    of(supabase?.serviceRoleKey, 'supabase.serviceRoleKey'),
    of(supabase?.anonKey, 'supabase.anonKey'),
  ]);
  return {
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey, sessionToken } }),
    ...(serviceRoleKey && { supabase: { serviceRoleKey, anonKey } }),
  };
}

/** Without what pasting adds around it. A file that is empty is none. */
async function secret(cli: Cli, name: string): Promise<string | undefined> {
  const text = (await secretVariable(cli, name))?.trim();
  return text || cli.io.environment[name] ? text : undefined;
}
