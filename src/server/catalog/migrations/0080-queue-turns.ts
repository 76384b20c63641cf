import { sql } from 'kysely';
import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createIndex, createTable } from './ddl.ts';

/** Tenants take turns in the queue: when each was served last, and what each has waiting. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  await createTable(db, dialect, 'queue_turns', ['tenant TEXT primary key', 'turn INTEGER not null']);
  await createIndex(db, { name: 'queue_turns_latest', on: 'queue_turns (turn)' });
  // It takes the place of the order that all tenants had in common.
  await sql`drop index jobs_next`.execute(db);
  await createIndex(db, {
    name: 'jobs_waiting',
    on: "jobs (coalesce(tenant_id, ''), priority desc, run_after, id)",
    // The checks of the table make this the same as `status = 'queued'`, and no other index fits it: asked for that, both databases
    // take one that is longer, or that their statistics say is empty.
    where: 'finished_at is null and lease_token is null',
  });
}
