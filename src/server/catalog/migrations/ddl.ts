import { sql } from 'kysely';
import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';

/**
 * Creates a table from columns and constraints written once for both databases: INTEGER is 64 bits, TEXT compares by
 * its bytes, BLOB is bytes, REAL has double precision. On SQLite the table is STRICT.
 */
export async function createTable(
  db: MigrationDb,
  dialect: Dialect,
  name: string,
  lines: readonly string[],
): Promise<void> {
  const body = lines.map((line) => (dialect === 'sqlite' ? line : forPostgres(line))).join(', ');
  await sql.raw(`create table ${name} (${body})${dialect === 'sqlite' ? ' strict' : ''}`).execute(db);
}

/** `on` is the table with its columns in brackets; both databases know partial indexes. */
export async function createIndex(
  db: MigrationDb,
  { name, on, where, unique }: { name: string; on: string; where?: string; unique?: boolean },
): Promise<void> {
  const condition = where ? ` where ${where}` : '';
  await sql.raw(`create ${unique ? 'unique ' : ''}index ${name} on ${on}${condition}`).execute(db);
}

function forPostgres(line: string): string {
  return line
    .replace(/\bINTEGER\b/g, 'bigint')
    .replace(/\bREAL\b/g, 'double precision')
    .replace(/\bBLOB\b/g, 'bytea')
    .replace(/\bTEXT\b/g, 'text collate "C"');
}
