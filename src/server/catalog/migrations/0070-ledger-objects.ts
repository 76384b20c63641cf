import type { MigrationDb } from '../migrate.ts';
import { createIndex } from './ddl.ts';

/** What was done with one thing, such as a backup: asked for where it is shown. */
export async function up(db: MigrationDb): Promise<void> {
  for (const stream of ['audit_vault', 'org_admin_reads']) {
    await createIndex(db, { name: `${stream}_by_object`, on: `${stream} (object_id, seq)` });
  }
}
