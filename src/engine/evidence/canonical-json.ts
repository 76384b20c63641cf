import { HoldfastError } from '../base/errors.ts';

/**
 * The one way to write a value as JSON: RFC 8785, for values of text, whole numbers, truth, null, lists and maps. Keys are
 * sorted by their UTF-16 code units, nothing is between the tokens. Throws `internal` for anything else.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([key, inner]) => `${canonicalJson(key)}:${canonicalJson(inner)}`).join(',')}}`;
  }
  throw new HoldfastError('internal', `a ${typeof value} has no canonical form`);
}
