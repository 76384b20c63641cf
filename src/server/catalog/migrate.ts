import { readdir } from 'node:fs/promises';
import { type Kysely, sql } from 'kysely';
import { HoldfastError } from '../../engine/index.ts';
import type { Catalog, Dialect } from './types.ts';

/** What a file `migrations/NNNN-name.ts` exports. Once published it never changes; a later one corrects it. */
export interface Migration {
  up(db: MigrationDb, dialect: Dialect): Promise<void>;
}

/** Migrations do not know the tables of today, which may differ from those of their time. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own word for a database whose tables are not known
export type MigrationDb = Kysely<any>;

interface MigrationFile {
  /** `0001-core`. */
  readonly name: string;
  readonly url: URL;
}

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * Runs what has not been run yet, in order of name, all of it or nothing. Several openers wait for each other. Throws
 * `catalog_newer` when a migration was run that this program does not have.
 */
export async function migrate(catalog: Catalog, folder: URL = FOLDER): Promise<readonly string[]> {
  const files = await migrationFiles(folder);
  try {
    return await catalog.exclusive('migrations', async (trx) => {
      const db = trx as MigrationDb;
      await createList(db, catalog.dialect);
      const done = await namesDone(db);
      refuseNewer(done, files);
      const missing = files.filter(({ name }) => !done.has(name));
      for (const { name, url } of missing) {
        const migration = (await import(url.href)) as Migration;
        await migration.up(db, catalog.dialect);
        await db.insertInto('migrations').values({ name, applied_at: catalog.clock.nowMs() }).execute();
      }
      return missing.map(({ name }) => name);
    });
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('catalog_failed', `the catalog was not updated: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function migrationFiles(folder: URL): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.[jt]s$/.test(name)).sort();
  return names.map((name) => ({ name: name.replace(/\.[jt]s$/, ''), url: new URL(name, folder) }));
}

/** Not by `if not exists` alone: that would write into every catalog at every start. */
async function createList(db: MigrationDb, dialect: Dialect): Promise<void> {
  const integer = sql.raw(dialect === 'sqlite' ? 'integer' : 'bigint');
  const strict = sql.raw(dialect === 'sqlite' ? 'strict' : '');
  await sql`create table if not exists migrations (name text primary key, applied_at ${integer} not null) ${strict}`.execute(
    db,
  );
}

async function namesDone(db: MigrationDb): Promise<Set<string>> {
  const rows: { name: string }[] = await db.selectFrom('migrations').select('name').execute();
  return new Set(rows.map(({ name }) => name));
}

function refuseNewer(done: ReadonlySet<string>, files: readonly MigrationFile[]): void {
  const known = new Set(files.map(({ name }) => name));
  const unknown = [...done].filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw new HoldfastError(
    'catalog_newer',
    `the catalog was changed by a newer version: it has ${unknown.join(', ')}`,
  );
}
