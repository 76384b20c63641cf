import { hostname } from 'node:os';
import { codeOf } from '../../engine/index.ts';
import type { JobsTable } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { NewEntry, Outcome } from './append.ts';
import type { CatalogLedger } from './catalog-ledger.ts';

/** A job as the queue tells of it. */
export interface JobFact {
  readonly id: string;
  readonly kind: JobsTable['kind'];
  readonly status: JobsTable['status'];
  readonly tenantId: string | null;
  readonly plan: string | null;
  readonly part: string | null;
  readonly payload: unknown;
  readonly attempt: number;
  readonly workerId: string | null;
  readonly result: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface JobRecorder {
  /** Before a job reads backup data. Throws `ledger_not_written`: then it must not. */
  jobBegins(job: JobFact): Promise<void>;
  /**
   * In the transaction in which a job ends. Where this machine has no key of the ledger, the job ends all the same, and
   * `onError` hears of it.
   */
  jobEnded(trx: CatalogDb, job: JobFact): Promise<void>;
}

/** Turns what jobs do into entries. `redact` hides passwords: what failed may say anything, and nothing is ever taken out of a ledger again. */
export function jobRecorder(
  ledger: CatalogLedger,
  onError: (error: unknown) => void,
  redact: (text: string) => string,
): JobRecorder {
  const entryOf = (job: JobFact) => jobEntry(job, redact);
  return {
    async jobBegins(job) {
      await ledger.recordOrRefuse({ ...entryOf(job), outcome: 'started' });
    },
    async jobEnded(trx, job) {
      try {
        await ledger.recordIn(trx, [entryOf(job)]);
      } catch (error) {
        // It is thrown before anything is written, so the transaction is whole.
        if (codeOf(error) !== 'ledger_key_missing') throw error;
        onError(error);
      }
    },
  };
}

const OUTCOMES: Readonly<Record<JobFact['status'], Outcome>> = {
  ...{ queued: 'started', running: 'started', succeeded: 'succeeded', failed: 'failed' },
  ...{ skipped: 'skipped', interrupted: 'interrupted' },
};

function jobEntry(job: JobFact, redact: (text: string) => string): NewEntry {
  const { id, kind, status, tenantId, plan, part, attempt, workerId, error } = job;
  const backups = backupsOf(job);
  return {
    stream: kind === 'restore' ? 'org_admin_reads' : 'audit_vault',
    ...{ tenantId, action: kind, outcome: OUTCOMES[status] },
    actor: { kind: 'worker', id: workerId, name: hostname() },
    object: backups[0] === undefined ? { kind: 'job', id } : { kind: 'backup', id: backups[0] },
    detail: {
      ...{ job_id: id, plan, part, attempt, backups },
      ...(error && { error: { code: error.code, message: redact(error.message) } }),
      ...(kind === 'drill' && drillOf(job)),
      ...(kind === 'table-retention' && thinnedOf(job)),
    },
  };
}

/** Which drill, and the digest of its signed evidence: a changed one is told from it. */
function drillOf({ result }: JobFact) {
  const drill = result as { drillId?: unknown; result?: unknown; evidenceSha256?: unknown } | null;
  const { drillId = null, result: outcome = null, evidenceSha256 = null } = drill ?? {};
  return { drill_id: drillId, result: outcome, evidence_sha256: evidenceSha256 };
}

/** What was taken out of whose table, and where it lies. */
function thinnedOf({ payload, result }: JobFact) {
  const { source = null, table = null } = (payload ?? {}) as { source?: unknown; table?: unknown };
  const done = result as {
    archives?: readonly { backupId: string; rows: number }[];
    deleted?: number;
  } | null;
  const archives = done?.archives?.map(({ backupId, rows }) => ({ backup_id: backupId, rows })) ?? [];
  return { source, table, archives, deleted: done?.deleted ?? null };
}

/** Ids of the backups that a job made, or works on. */
function backupsOf({ kind, payload, result }: JobFact): string[] {
  const one = (payload as { backupId?: unknown } | null)?.backupId;
  if (typeof one === 'string') return [one];
  const drilled = kind === 'drill' ? (result as { backupId?: unknown } | null)?.backupId : null;
  if (typeof drilled === 'string') return [drilled];
  const made = kind === 'backup' ? (result as { backups?: unknown } | null)?.backups : null;
  if (!Array.isArray(made)) return [];
  return (made as { backupId?: unknown }[]).flatMap(({ backupId }) =>
    typeof backupId === 'string' ? [backupId] : [],
  );
}
