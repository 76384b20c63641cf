import { sql } from 'kysely';
import type { MigrationDb } from '../migrate.ts';

/** Which key a backup was sealed with: asked for when keys change, and looked for when one is lost. */
export async function up(db: MigrationDb): Promise<void> {
  await sql`alter table backups add column key_id text`.execute(db);
}
