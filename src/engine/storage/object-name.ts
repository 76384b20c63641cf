import { HoldfastError } from '../base/errors.ts';

const SEGMENT = /^[A-Za-z0-9._-]+$/;
const MAX_LENGTH = 1024;

/** Throws `storage_name_invalid` unless every slash-separated segment is plain. See `Storage`. */
export function checkObjectName(name: string): void {
  const segments = name.split('/');
  const isPlain = (segment: string) => SEGMENT.test(segment) && segment !== '.' && segment !== '..';
  if (name.length <= MAX_LENGTH && segments.every(isPlain)) return;
  throw new HoldfastError('storage_name_invalid', `not a valid object name: ${JSON.stringify(name)}`);
}

/** Throws `storage_name_invalid` for a prefix no valid name can begin with. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkObjectName(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
