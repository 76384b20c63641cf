import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createIndex, createTable } from './ddl.ts';

/** Notices on their way and their history; how often each kind of event was seen. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  await createTable(db, dialect, 'notice_deliveries', [
    'id TEXT primary key',
    'created_at INTEGER not null',
    'event_id TEXT',
    'channel_id TEXT not null',
    'channel TEXT not null',
    'kind TEXT not null',
    'tenant_id TEXT',
    'plan TEXT',
    'notice TEXT not null',
    "status TEXT not null check (status in ('waiting', 'delivered', 'failed', 'dropped'))",
    'attempts INTEGER not null',
    'next_at INTEGER',
    'finished_at INTEGER',
    'last_error TEXT',
    // One notice of one event to one channel, also when two servers see the event.
    'unique (event_id, channel_id)',
    "check ((status = 'waiting') = (next_at is not null))",
  ]);
  await createTable(db, dialect, 'notice_attempts', [
    'delivery_id TEXT not null references notice_deliveries (id) on delete cascade',
    'attempt INTEGER not null',
    'at INTEGER not null',
    'duration_ms INTEGER not null',
    'answer TEXT',
    'error TEXT',
    'primary key (delivery_id, attempt)',
  ]);
  await createTable(db, dialect, 'event_counts', [
    'kind TEXT not null',
    'tenant_id TEXT not null',
    'plan TEXT not null',
    'count INTEGER not null',
    'primary key (kind, tenant_id, plan)',
  ]);
  await createIndex(db, {
    name: 'notices_due',
    on: 'notice_deliveries (next_at, id)',
    where: "status = 'waiting'",
  });
  await createIndex(db, { name: 'notices_by_channel', on: 'notice_deliveries (channel_id, id)' });
  await createIndex(db, { name: 'notices_by_tenant', on: 'notice_deliveries (tenant_id, id)' });
  await createIndex(db, {
    name: 'notices_failed',
    on: 'notice_deliveries (finished_at)',
    where: "status = 'failed'",
  });
  await createIndex(db, {
    name: 'backup_copies_missing',
    on: 'backup_copies (destination_id)',
    where: "state in ('missing', 'failed')",
  });
}
