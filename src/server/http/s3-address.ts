import type { z } from 'zod';
import type { s3Write } from '../../contracts/api/administration.ts';

/** The address that says what separate fields say; see docs/operations.md, S3. */
export function s3Address(
  fields: Omit<z.output<typeof s3Write>, 'access_key_id' | 'secret_access_key'>,
): string {
  const options = new URLSearchParams();
  const set = (name: string, value: string | undefined) => value !== undefined && options.set(name, value);
  set('region', fields.region);
  set('endpoint', fields.endpoint);
  set('path-style', fields.path_style === undefined ? undefined : String(fields.path_style));
  set('sse', fields.sse);
  set('kms-key', fields.kms_key);
  set('storage-class', fields.storage_class);
  set('checksums', fields.checksums);
  const prefix = (fields.prefix ?? '').replace(/^\/+|\/+$/g, '');
  const folder = prefix === '' ? '' : `/${prefix}`;
  return `s3://${fields.bucket}${folder}${options.size > 0 ? `?${options}` : ''}`;
}
