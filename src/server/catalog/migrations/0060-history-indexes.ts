import type { MigrationDb } from '../migrate.ts';
import { createIndex } from './ddl.ts';

/** Filters of lists that went through a long history row by row: by the name of a plan, by outcome, and in the ledger. */
export async function up(db: MigrationDb): Promise<void> {
  for (const [name, on] of Object.entries(INDEXES)) await createIndex(db, { name, on });
}

const INDEXES: { readonly [name: string]: string } = {
  jobs_by_plan_name: 'jobs (plan, id)',
  jobs_by_plan_and_status: 'jobs (plan, status, id)',
  jobs_by_tenant_and_status: 'jobs (tenant_id, status, id)',
  triggers_by_plan_name: 'triggers (plan, id)',
  audit_vault_by_tenant: 'audit_vault (tenant_id, seq)',
  audit_vault_by_action: 'audit_vault (action, seq)',
  audit_vault_by_tenant_and_action: 'audit_vault (tenant_id, action, seq)',
  org_admin_reads_by_tenant: 'org_admin_reads (tenant_id, seq)',
  org_admin_reads_by_action: 'org_admin_reads (action, seq)',
  org_admin_reads_by_tenant_and_action: 'org_admin_reads (tenant_id, action, seq)',
};
