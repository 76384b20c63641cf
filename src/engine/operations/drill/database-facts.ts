import { HoldfastError } from '../../base/errors.ts';
import type { Facts } from '../../sources/port.ts';
import type { ArchiveToc } from '../../sources/postgres/index.ts';

/** The major version in `15.18 (Debian …)`. Throws `drill_impossible` for a text that names none. */
export function majorOf(serverVersion: string): number {
  const major = Number.parseInt(serverVersion, 10);
  if (major > 0) return major;
  throw new HoldfastError(
    'drill_impossible',
    'the backup does not say which version of PostgreSQL it is of',
    {
      next: 'make a new backup and drill that',
    },
  );
}

const VALUE = "'([A-Za-z0-9_.@-]*)'";
const FIELDS = ['ENCODING', 'LOCALE', 'LC_COLLATE', 'LC_CTYPE'] as const;

/**
 * Encoding and locale of the original as clauses of CREATE DATABASE: an order of text is part of what an application sees.
 * Only plain values are taken over, whatever the dump says.
 */
export function localeClause(toc: ArchiveToc): string {
  const definition = toc.entries.find(({ kind }) => kind === 'DATABASE')?.definition ?? '';
  return FIELDS.flatMap((field) => {
    const value = new RegExp(String.raw`\b${field} = ${VALUE}`).exec(definition)?.[1];
    return value ? [`${field.toLowerCase()} '${value}'`] : [];
  }).join(' ');
}

/** A dump that another program made, unless the operator vouched for it when it was imported. */
export function isUntrusted({ imported }: Facts): boolean {
  return imported !== undefined && (imported as { trusted?: unknown } | null)?.trusted !== true;
}
