import { newId } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Delivery } from './delivery.ts';
import type { Hints } from './hints.ts';
import { addEvent } from './job-events.ts';
import { type JobRow, jobOf } from './job-rows.ts';
import type { Job, JobRequest } from './port.ts';

export interface EnqueueParts {
  readonly delivery: Delivery;
  readonly hints: Hints;
  nowMs(): number;
}

const ATTEMPTS = 3;

/** Adds a job in this transaction, or finds the one that its keys say is there. */
export async function enqueueIn(
  trx: CatalogDb,
  request: JobRequest,
  { delivery, hints, nowMs }: EnqueueParts,
): Promise<{ job: Job; created: boolean }> {
  const row = rowOf(request, nowMs());
  for (;;) {
    // Without a target: whichever of the unique keys is taken, nothing is inserted and nothing is broken.
    const inserted = await trx
      .insertInto('jobs')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (inserted) break;
    const existing = await findExisting(trx, request);
    if (existing) return { job: jobOf(existing), created: false };
    // The one it collided with ended in this moment.
  }
  await addEvent(trx, row.id, row.created_at, 'status', { status: 'queued' });
  await delivery.announce(trx, row);
  await hints.send({ type: 'due' }, trx);
  return { job: jobOf({ ...row, last_event: 1 }), created: true };
}

async function findExisting(trx: CatalogDb, request: JobRequest): Promise<JobRow | undefined> {
  const { idempotencyKey, singletonKey } = request;
  const byIdempotency = idempotencyKey
    ? await trx
        .selectFrom('jobs')
        .selectAll()
        .where('idempotency_key', '=', idempotencyKey)
        .executeTakeFirst()
    : undefined;
  if (byIdempotency || !singletonKey) return byIdempotency;
  return trx
    .selectFrom('jobs')
    .selectAll()
    .where('singleton_key', '=', singletonKey)
    .where('status', 'in', ['queued', 'running'])
    .executeTakeFirst();
}

function rowOf(request: JobRequest, nowMs: number): JobRow {
  return {
    id: newId(nowMs),
    kind: request.kind,
    status: 'queued',
    tenant_id: request.tenantId ?? null,
    plan_id: request.planId ?? null,
    plan: request.plan ?? null,
    part: request.part ?? null,
    payload: JSON.stringify(request.payload ?? null),
    label: request.label ?? null,
    priority: request.priority ?? 0,
    concurrency_key: request.concurrencyKey ?? null,
    singleton_key: request.singletonKey ?? null,
    idempotency_key: request.idempotencyKey ?? null,
    created_at: nowMs,
    run_after: request.runAfterMs ?? nowMs,
    started_at: null,
    finished_at: null,
    attempt: 0,
    max_attempts: request.maxAttempts ?? ATTEMPTS,
    lease_until: null,
    lease_token: null,
    worker_id: null,
    cancel_requested_at: null,
    slot_at: request.slotAtMs ?? null,
    hanging_after_ms: request.hangingAfterMs ?? null,
    overdue_noticed_at: null,
    progress: null,
    last_event: 0,
    result: null,
    error_code: null,
    error_message: null,
    error_next: null,
  };
}
