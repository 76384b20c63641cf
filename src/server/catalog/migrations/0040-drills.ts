import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createIndex, createTable } from './ddl.ts';

const DRILLS = [
  'id TEXT primary key',
  'job_id TEXT',
  'plan_id TEXT',
  'plan TEXT',
  'tenant_id TEXT',
  'backup_id TEXT',
  'via TEXT',
  'requested_by TEXT',
  'trial INTEGER not null',
  'started_at INTEGER not null',
  'finished_at INTEGER not null',
  "result TEXT not null check (result in ('green', 'red'))",
  'recovery_ms INTEGER',
  'data_age_ms INTEGER',
  'checks INTEGER not null',
  'red_checks INTEGER not null',
  'failure TEXT',
  'fingerprint TEXT',
  'evidence_sha256 TEXT',
  'stored_at TEXT not null',
  'not_stored TEXT not null',
];

/** What drills found. The table of the first migration was never written to: a drill without a backup had no place in it. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  await db.schema.dropTable('drills').execute();
  await createTable(db, dialect, 'drills', DRILLS);
  for (const [name, on] of [
    ['drills_by_backup', 'drills (backup_id, id)'],
    ['drills_by_plan', 'drills (plan, id)'],
    ['drills_by_tenant', 'drills (tenant_id, id)'],
    ['drills_by_job', 'drills (job_id)'],
  ] as const) {
    await createIndex(db, { name, on });
  }
  await createTable(db, dialect, 'drill_evidence', [
    'drill_id TEXT primary key references drills (id) on delete cascade',
    'document TEXT not null',
    'page TEXT not null',
  ]);
  await createTable(db, dialect, 'drill_entries', [
    'plan_id TEXT primary key references documents (id)',
    'cron TEXT',
    'time_zone TEXT not null',
    'jitter_ms INTEGER not null',
    'enabled INTEGER not null',
    'after_backups INTEGER',
    'backups_since INTEGER not null',
    'next_slot_at INTEGER',
    'next_due_at INTEGER',
    'last_slot_at INTEGER',
  ]);
  await createIndex(db, { name: 'drill_due', on: 'drill_entries (next_due_at)', where: 'enabled = 1' });
}
