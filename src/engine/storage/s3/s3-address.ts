import { HoldfastError } from '../../base/errors.ts';
import { checkObjectName } from '../object-name.ts';
import type { S3Credentials, S3Settings } from './s3-settings.ts';

/** A place in a bucket and how its server wants to be spoken to. */
export interface S3Target {
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  /** Null for AWS itself. */
  readonly endpoint: string | null;
  /** Null: what the SDK finds in AWS_REGION or a profile. */
  readonly region: string | null;
  readonly pathStyle: boolean;
  readonly credentials: S3Credentials | null;
  readonly encryption: 'AES256' | 'aws:kms' | null;
  readonly kmsKeyId: string | null;
  readonly storageClass: string | null;
  /** `when-required`: for servers that know no checksum headers, such as Ceph before 20. */
  readonly checksums: 'when-supported' | 'when-required';
  readonly lock: ObjectLock | null;
  /** Milliseconds since 1970 UTC: shows a versioned bucket as it was then, for reading only. */
  readonly asOfMs: number | null;
  /** For people. */
  readonly shown: string;
}

/** Every object is written with a lock of so many days, which `extendLock` renews. */
export interface ObjectLock {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const NEXT =
  'write s3://bucket/folder?region=eu-central-1, and for other servers than AWS endpoint=https://host';

/**
 * Reads `s3://bucket/folder?option=value&…`. Options: endpoint, region, path-style, sse, kms-key, storage-class,
 * checksums, lock, lock-days, as-of; described in docs/operations.md. Bucket and region may come from the settings; credentials
 * always do. Throws `usage`.
 */
export function parseS3Address(address: string, settings: S3Settings): S3Target {
  const match = /^s3:(?:\/\/([^/?#]*)(\/[^?#]*)?)?(?:\?([^#]*))?$/i.exec(address);
  const authority = match?.[1] ?? '';
  if (!match || authority.includes('@')) {
    throw invalid(
      authority.includes('@') ? 'credentials do not belong in an address' : 'the address is not valid',
      authority.includes('@') ? 'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY' : NEXT,
    );
  }
  const bucket = authority || settings.bucket;
  if (!bucket) throw invalid('the address names no bucket', 'write s3://bucket, or set S3_BUCKET');
  if (!BUCKET.test(bucket)) throw invalid(`${bucket} is not a bucket name`, NEXT);
  const options = readOptions(match[3] ?? '');
  const endpoint = endpointOf(options.get('endpoint'));
  const prefix = prefixOf(match[2] ?? '');
  return {
    bucket,
    prefix,
    endpoint,
    region: options.get('region') ?? settings.region ?? (endpoint === null ? null : 'us-east-1'),
    pathStyle: flagOf(options, 'path-style') ?? endpoint !== null,
    credentials: settings.credentials ?? null,
    ...encryptionOf(options),
    storageClass: storageClassOf(options),
    checksums: choiceOf(options, 'checksums', ['when-supported', 'when-required']) ?? 'when-supported',
    lock: lockOf(options),
    asOfMs: timeOf(options.get('as-of')),
    shown: `s3://${bucket}/${prefix}`.replace(/\/$/, '') + (endpoint ? ` at ${endpoint}` : ''),
  };
}

const OPTIONS = [
  'endpoint',
  'region',
  'path-style',
  'sse',
  'kms-key',
  'storage-class',
  'checksums',
  'lock',
  'lock-days',
  'as-of',
];

function readOptions(query: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const known = name.toLowerCase().replaceAll('_', '-');
    if (!OPTIONS.includes(known))
      throw invalid(`the option ${name} is not known`, `known: ${OPTIONS.join(', ')}`);
    if (options.has(known) || value === '')
      throw invalid(`the option ${name} needs one value`, 'give it once, with a value');
    options.set(known, value);
  }
  return options;
}

/** Exported for the Supabase preset. */
export function endpointOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw invalid('the endpoint is not valid', 'write endpoint=https://host, with a port where it needs one');
  return url.href.replace(/\/+$/, '');
}

/** Exported for the Supabase preset. */
export function prefixOf(path: string): string {
  const folder = decodeURIComponent(path).replace(/^\/+|\/+$/g, '');
  if (folder === '') return '';
  checkObjectName(folder);
  return `${folder}/`;
}

function encryptionOf(options: ReadonlyMap<string, string>): Pick<S3Target, 'encryption' | 'kmsKeyId'> {
  const encryption = choiceOf(options, 'sse', ['AES256', 'aws:kms']) ?? null;
  const kmsKeyId = options.get('kms-key') ?? null;
  if (kmsKeyId !== null && encryption !== 'aws:kms')
    throw invalid('kms-key needs sse=aws:kms', 'add sse=aws:kms');
  return { encryption, kmsKeyId };
}

function storageClassOf(options: ReadonlyMap<string, string>): string | null {
  const storageClass = options.get('storage-class')?.toUpperCase() ?? null;
  // Objects there are not readable at once: neither verify nor restore would work.
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE')
    throw invalid(`what is in ${storageClass} cannot be read at once`, 'use GLACIER_IR or STANDARD_IA');
  return storageClass;
}

function lockOf(options: ReadonlyMap<string, string>): ObjectLock | null {
  const mode = choiceOf(options, 'lock', ['governance', 'compliance']);
  const days = options.get('lock-days');
  if (mode === undefined && days === undefined) return null;
  if (mode === undefined || days === undefined || !/^[1-9]\d{0,4}$/.test(days))
    throw invalid(
      'a lock needs a mode and a number of days',
      'write lock=governance&lock-days=30, or lock=compliance',
    );
  return { mode: mode === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE', days: Number(days) };
}

function timeOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(text))
    throw invalid('as-of is not a time', 'write as-of=2026-11-21T08:00:00Z');
  return ms;
}

function choiceOf<T extends string>(
  options: ReadonlyMap<string, string>,
  name: string,
  choices: readonly T[],
): T | undefined {
  const given = options.get(name);
  if (given === undefined) return undefined;
  const found = choices.find((choice) => choice.toLowerCase() === given.toLowerCase().replaceAll('_', '-'));
  if (found) return found;
  throw invalid(
    `${name}=${given} is not known`,
    `write ${choices.map((one) => `${name}=${one}`).join(' or ')}`,
  );
}

function flagOf(options: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const choice = choiceOf(options, name, ['true', 'false']);
  return choice === undefined ? undefined : choice === 'true';
}

function invalid(what: string, next: string): HoldfastError {
  return new HoldfastError('usage', `destination: ${what}`, { next });
}
