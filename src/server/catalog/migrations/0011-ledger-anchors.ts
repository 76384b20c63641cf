import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createTable } from './ddl.ts';

/** When the heads of the ledger were last put on a destination. Only to space that out: it proves nothing. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  await createTable(db, dialect, 'ledger_anchors', [
    'address TEXT primary key',
    'at INTEGER not null',
    'audit_vault_seq INTEGER not null',
    'org_admin_reads_seq INTEGER not null',
  ]);
}
