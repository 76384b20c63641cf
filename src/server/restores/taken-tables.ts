import type { CatalogSchema } from '../catalog/schema.ts';

/** What `takeOverCatalog` takes over: what somebody configured. */
export const TAKEN_TABLES = [
  'tenants',
  'settings',
  'documents',
] as const satisfies readonly (keyof CatalogSchema)[];

const PEOPLE = 'people come anew: a backup and the setup token let nobody in but who holds the token';
const DESTINATIONS = 'the destinations hold it, and are read again';
const PLANS = 'made from the plans';
const HISTORY = 'what the other server did and said; its backed up catalog keeps it';
const LEDGER =
  'one chain, signed by the other server; this one begins its own, and that one is checked by itself';

/** What stays behind on purpose, and why. A new table is named here, or is taken over: the compiler asks, and so does a test. */
export const LEFT_TABLES = {
  document_versions: HISTORY,
  file_marks:
    'like documents, nothing belongs to a file before it is applied here; that adopts what is equal',
  backups: DESTINATIONS,
  backup_copies: DESTINATIONS,
  drills: DESTINATIONS,
  drill_evidence: DESTINATIONS,
  schedule_entries: PLANS,
  drill_entries: PLANS,
  jobs: HISTORY,
  job_events: HISTORY,
  triggers: HISTORY,
  events: HISTORY,
  event_counts: HISTORY,
  notice_deliveries: HISTORY,
  notice_attempts: HISTORY,
  job_workers: 'the programs that are at work now',
  queue_turns: 'the tenants that wait now',
  users: PEOPLE,
  user_tenant_roles: PEOPLE,
  recovery_codes: PEOPLE,
  sessions: PEOPLE,
  api_tokens: PEOPLE,
  one_time_codes: PEOPLE,
  login_attempts: PEOPLE,
  identity_providers: PEOPLE,
  user_identities: PEOPLE,
  used_login_states: PEOPLE,
  audit_vault: LEDGER,
  org_admin_reads: LEDGER,
  vault_checkpoints: LEDGER,
  org_admin_reads_checkpoints: LEDGER,
  vault_signing_keys: LEDGER,
  vault_key_retirements: LEDGER,
  ledger_anchors: LEDGER,
} as const satisfies Readonly<Record<Exclude<keyof CatalogSchema, (typeof TAKEN_TABLES)[number]>, string>>;
