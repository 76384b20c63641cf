import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { HoldfastError, systemCode } from '../../engine/index.ts';
import type { CatalogSchema } from './schema.ts';
import { sqliteDriver } from './sqlite-driver.ts';
import type { Connected } from './types.ts';

/** Only for opening, which is synchronous; afterwards the driver waits without holding up the process. */
const OPENING_BUSY_MS = 2000;

/** The driver keeps users of the one connection apart itself, and can refuse one; Kysely's own lock would then stay shut. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Opens an SQLite catalog for this process. Others may have the same file open. */
export async function openSqlite(file: string): Promise<Connected> {
  const database = await openFile(file);
  const { driver, guarded } = sqliteDriver(database);
  const db = new Kysely<CatalogSchema>({
    dialect: {
      createAdapter: () => new Adapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  return { db, dialect: 'sqlite', pool: null, guarded };
}

async function openFile(file: string): Promise<DatabaseSync> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // SQLite gives its side files the mode of the database, so the mode must be right from the start.
    await (await open(file, 'a', 0o600)).close();
    const database = new DatabaseSync(file, { timeout: OPENING_BUSY_MS, enableForeignKeyConstraints: true });
    // A reported success is durable: in WAL mode only FULL waits for the disk at each commit.
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory; pragma busy_timeout = 0;',
    );
    return database;
  } catch (error) {
    throw new HoldfastError('catalog_unreachable', `the catalog ${file} cannot be opened: ${why(error)}`, {
      cause: error,
    });
  }
}

function why(error: unknown): string {
  const code = systemCode(error);
  return code === null || code.startsWith('ERR_') ? (error as Error).message : code;
}
