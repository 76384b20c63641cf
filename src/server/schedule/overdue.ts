import type { Selectable } from 'kysely';
import { MINUTE_MS } from '../../engine/index.ts';
import { recordEvent } from '../catalog/events.ts';
import type { JobsTable } from '../catalog/tables/jobs.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { GLOBAL, settingValues } from '../configuration/settings.ts';
import { QUEUED, RUNNING } from '../jobs/job-literals.ts';
import { WORKER_GONE_MS } from '../jobs/worker-presence.ts';

type JobRow = Selectable<JobsTable>;

const AT_ONCE = 100;
const LIMIT = 'runs.neverStartedAfterMinutes';

/** Writes an event for every job that runs for too long or is due and does not begin; each once. Gives their ids. */
export async function noticeOverdue(catalog: Catalog, nowMs: number): Promise<string[]> {
  const found = [
    ...(await hangingJobs(catalog.db, nowMs)).map((job) => ({ job, kind: 'run_hanging' as const })),
    ...(await waitingJobs(catalog.db, nowMs)).map((job) => ({ job, kind: 'run_not_started' as const })),
  ];
  const noticed: string[] = [];
  for (const { job, kind } of found) {
    const isNew = await catalog.transaction(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('jobs')
        .set({ overdue_noticed_at: nowMs })
        .where('id', '=', job.id)
        .where('overdue_noticed_at', 'is', null)
        .where('status', '=', job.status)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await recordEvent(trx, {
        kind,
        atMs: nowMs,
        tenantId: job.tenant_id,
        planId: job.plan_id,
        plan: job.plan,
        jobId: job.id,
        data: kind === 'run_hanging' ? hangingFacts(job, nowMs) : await waitingFacts(trx, job, nowMs),
      });
      return true;
    });
    if (isNew) noticed.push(job.id);
  }
  return noticed;
}

function hangingJobs(db: CatalogDb, nowMs: number): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('status', '=', RUNNING)
    .where('overdue_noticed_at', 'is', null)
    .where('hanging_after_ms', 'is not', null)
    .where((eb) => eb(eb('started_at', '+', eb.ref('hanging_after_ms')), '<', nowMs))
    .limit(AT_ONCE)
    .execute();
}

/** A tenant may have a time of its own for it. */
async function waitingJobs(db: CatalogDb, nowMs: number): Promise<JobRow[]> {
  const { [LIMIT]: minutes } = await settingValues(db, null);
  const own = await db
    .selectFrom('settings')
    .select(['scope', 'value'])
    .where('key', '=', LIMIT)
    .where('scope', '!=', GLOBAL)
    .execute();
  const dueBefore = (limit: number) => nowMs - limit * MINUTE_MS;
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('status', '=', QUEUED)
    .where('overdue_noticed_at', 'is', null)
    .where(({ eb, and, or }) => {
      const isOf = own.map(({ scope }) => scope);
      const others =
        isOf.length === 0 ? [] : [or([eb('tenant_id', 'is', null), eb('tenant_id', 'not in', isOf)])];
      return or([
        and([...others, eb('run_after', '<', dueBefore(minutes))]),
        ...own.map(({ scope, value }) =>
          and([eb('tenant_id', '=', scope), eb('run_after', '<', dueBefore(JSON.parse(value) as number))]),
        ),
      ]);
    })
    .limit(AT_ONCE)
    .execute();
}

const hangingFacts = (job: JobRow, nowMs: number) => ({
  kind: job.kind,
  part: job.part,
  runningForMs: nowMs - job.started_at!,
  workerId: job.worker_id,
  progress: job.progress === null ? null : JSON.parse(job.progress),
});

/** Also why: nobody carries its label, nobody is there at all, or all are busy. */
async function waitingFacts(trx: CatalogDb, job: JobRow, nowMs: number) {
  const workers = await trx
    .selectFrom('job_workers')
    .select('labels')
    .where('seen_at', '>', nowMs - WORKER_GONE_MS)
    .execute();
  const fitting = workers.filter(
    ({ labels }) => job.label === null || (JSON.parse(labels) as string[]).includes(job.label),
  );
  return {
    kind: job.kind,
    part: job.part,
    label: job.label,
    waitingForMs: nowMs - job.run_after,
    reason:
      workers.length === 0 ? 'no worker' : fitting.length === 0 ? 'no worker with its label' : 'workers busy',
  };
}
