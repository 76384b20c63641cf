/** JSON in the one form of RFC 8785, so that the same value always has the same bytes. */

import type { JsonValue } from '../../../contracts/ledger-entry.ts';

export type { JsonValue };

/** Deeper values are refused, whoever wrote them: they would end the stack. */
const MAX_DEPTH = 64;

/** Throws `TypeError` for what has no such form: a number that is not finite, half a surrogate pair, too deep a nesting. */
export function canonicalJson(value: JsonValue, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that is not finite');
    // ECMAScript's own form of numbers is the one the standard asks for.
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one, depth + 1)).join(',')}]`;
  const members = value as { readonly [key: string]: JsonValue };
  // The default order of `sort` is by UTF-16 code units, as the standard asks for.
  const parts = Object.keys(members)
    .sort()
    .map((key) => `${text(key)}:${canonicalJson(members[key]!, depth + 1)}`);
  return `{${parts.join(',')}}`;
}

function text(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('half a surrogate pair');
  return JSON.stringify(value);
}

/**
 * Anything as a value that has a canonical form: what JSON leaves out is left out, half a surrogate pair becomes U+FFFD, a
 * number that is not finite null, and what is nested too deeply its beginning. Recording must not fail over what it records.
 */
export function plainJson(value: unknown, depth = 0): JsonValue {
  if (depth > MAX_DEPTH - 2) return 'nested too deeply';
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((one) => plainJson(one, depth + 1));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined && typeof inner !== 'function')
    .map(([key, inner]) => [key.toWellFormed(), plainJson(inner, depth + 1)] as const);
  return Object.fromEntries(entries);
}
