/** How a drill is asked for, whoever asks: it becomes a job. */
import type { DrillConfig } from '../../contracts/config-drill.ts';
import { MINUTE_MS } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { StoredDocument } from '../configuration/documents.ts';
import { settingValues } from '../configuration/settings.ts';
import { type Job, type JobQueue, PRIORITY } from '../jobs/port.ts';
import type { DrillPayload } from '../worker/port.ts';

/** A certain backup, and the stored destinations that hold it. */
export interface DrilledBackup {
  readonly id: string;
  readonly tenantId: string | null;
  readonly plan: string | null;
  readonly part: string | null;
  readonly destinations: readonly string[];
}

export interface DrillAsked {
  /** Null for a backup whose plan is not stored any more. */
  readonly plan: StoredDocument<'plan'> | null;
  /** Null for the newest of the plan. */
  readonly backup: DrilledBackup | null;
  /** Instead of those of the plan: a trial. Null for the plan's own. */
  readonly checks: DrillConfig['checks'] | null;
  readonly via: DrillPayload['via'];
  readonly requestedBy: string | null;
  /** Of whoever asks, in their own space of keys: the same one twice is one drill. */
  readonly idempotencyKey?: string | null;
  /** Of the schedule. */
  readonly slotAtMs?: number;
}

/** Asks for a drill in this transaction. `created` is false when the same was asked for before, or is queued or running. */
export async function requestDrill(
  trx: CatalogDb,
  queue: JobQueue,
  asked: DrillAsked,
): Promise<{ readonly job: Job; readonly created: boolean }> {
  const { plan, backup, checks, via, requestedBy } = asked;
  const tenantId = plan ? plan.tenantId : (backup?.tenantId ?? null);
  const settings = await settingValues(trx, tenantId);
  const minutes = plan?.body.hangingAfterMinutes ?? settings['runs.hangingAfterMinutes'];
  const payload: DrillPayload = {
    plan: plan?.name ?? backup?.plan ?? null,
    part: backup?.part ?? null,
    backupId: backup?.id ?? null,
    destinations: backup?.destinations ?? [],
    ...{ checks, via, requestedBy },
  };
  const about = plan?.id ?? backup?.id ?? '';
  const isAsked = via === 'ui' || via === 'api';
  return queue.enqueue(
    {
      ...{ kind: 'drill', payload, tenantId },
      ...{ planId: plan?.id ?? null, plan: payload.plan, part: payload.part },
      label: plan?.body.label ?? null,
      priority: isAsked ? PRIORITY.requested : PRIORITY.scheduled,
      concurrencyKey: `drill:${about}`,
      // Trials differ in their checks.
      singletonKey: checks === null ? ['drill', about, backup?.id ?? ''].join(':') : null,
      idempotencyKey: asked.idempotencyKey ?? null,
      slotAtMs: asked.slotAtMs ?? null,
      hangingAfterMs: minutes * MINUTE_MS,
    },
    trx,
  );
}
