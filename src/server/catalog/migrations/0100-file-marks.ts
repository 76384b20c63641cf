import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createTable } from './ddl.ts';

/** Settings and tenants that a configuration file wrote, and who changed or removed them last. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  await createTable(db, dialect, 'file_marks', [
    "kind TEXT not null check (kind in ('tenant', 'setting'))",
    'name TEXT not null',
    'origin TEXT not null',
    'changed_at INTEGER not null',
    'changed_by TEXT',
    'primary key (kind, name)',
  ]);
}
