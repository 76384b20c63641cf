import { HoldfastError } from '../../base/errors.ts';
import { endpointOf, prefixOf, type S3Target } from './s3-address.ts';
import type { S3Credentials, S3Settings } from './s3-settings.ts';

const BUCKET = 'backups';
const S3_PATH = '/storage/v1/s3';
const PROJECT = /^[a-z0-9][a-z0-9-]{2,62}$/;

/**
 * Reads `supabase://project/bucket/folder`, or `supabase://project?endpoint=https://host` for a server of one's own
 * (its S3 path is added unless the endpoint has a path). The bucket is `backups` unless named, and must be private.
 * Logs in with the service-role key, or with S3 keys of the project when those are set. Throws `usage`.
 *
 * A service-role key is the session token; the key id is then the project, and the secret the project too, or its
 * anonymous key where the server is older: signature-v4 in the sources of Supabase Storage.
 */
export function parseSupabaseAddress(address: string, settings: S3Settings): S3Target {
  const match = /^supabase:\/\/([^/?#]*)(?:\/([^/?#]+))?(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(address);
  const project = match?.[1] ?? '';
  if (!match || !PROJECT.test(project)) {
    throw new HoldfastError('usage', 'destination: the address names no Supabase project', {
      next: 'write supabase://project/bucket, where project is the first part of its host name',
    });
  }
  const options = new URLSearchParams(match[4] ?? '');
  for (const name of options.keys()) {
    if (name === 'endpoint' || name === 'region') continue;
    throw new HoldfastError('usage', `destination: the option ${name} is not known`, {
      next: 'known: endpoint, region',
    });
  }
  const bucket = match[2] ?? BUCKET;
  const prefix = prefixOf(match[3] ?? '');
  return {
    bucket,
    prefix,
    endpoint: withS3Path(endpointOf(options.get('endpoint') ?? `https://${project}.storage.supabase.co`)!),
    region: options.get('region') ?? settings.region ?? 'us-east-1',
    pathStyle: true,
    credentials: credentialsOf(project, settings),
    encryption: null,
    kmsKeyId: null,
    storageClass: null,
    checksums: 'when-required',
    lock: null,
    asOfMs: null,
    shown: `supabase://${project}/${bucket}/${prefix}`.replace(/\/$/, ''),
  };
}

function credentialsOf(project: string, { supabase, credentials }: S3Settings): S3Credentials {
  if (supabase) {
    const { serviceRoleKey, anonKey } = supabase;
    return { accessKeyId: project, secretAccessKey: anonKey ?? project, sessionToken: serviceRoleKey };
  }
  if (credentials) return credentials;
  throw new HoldfastError('storage_denied', 'no key for the Supabase project was given', {
    next: 'set SUPABASE_SERVICE_ROLE_KEY, or S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY of the project',
  });
}

function withS3Path(endpoint: string): string {
  return new URL(endpoint).pathname === '/' ? `${endpoint}${S3_PATH}` : endpoint;
}
