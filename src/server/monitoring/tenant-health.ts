import { HOUR_MS } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { type PlanHealth, planHealth } from './plan-health.ts';

/** Promise N3, as the API answers: of each tenant the last good backup, its age, how often it is made, and the last proof. */
export async function tenantHealth(catalog: Catalog, visible: readonly string[] | null) {
  const nowMs = catalog.clock.nowMs();
  const plans = await planHealth(catalog);
  const ids = [...new Set(plans.map(({ tenantId }) => tenantId))].filter(
    (id) => visible === null || (id !== null && visible.includes(id)),
  );
  const tenants = ids.map((id) =>
    summary(
      id,
      plans.filter(({ tenantId }) => tenantId === id),
      nowMs,
    ),
  );
  return { status: worst(tenants.map(({ status }) => status)), tenants };
}

type Status = PlanHealth['status'];

const worst = (all: readonly Status[]): Status => (all.includes('warning') ? 'warning' : 'healthy');

function summary(tenantId: string | null, plans: readonly PlanHealth[], nowMs: number) {
  const newest = plans
    .filter(({ last }) => last !== null)
    .sort((a, b) => b.last!.atMs - a.last!.atMs)
    .at(0);
  const proven = plans.flatMap(({ provenAtMs }) => (provenAtMs === null ? [] : [provenAtMs]));
  const wrong = plans.filter(({ status }) => status === 'warning');
  const intervals = plans.flatMap(({ intervalMs }) => (intervalMs === null ? [] : [intervalMs]));
  return {
    tenant_id: tenantId,
    status: worst(plans.map(({ status }) => status)),
    message:
      wrong.length === 0
        ? 'every plan has a good backup'
        : wrong.map((one) => `${nameOf(one)}: ${one.message}`).join('; '),
    last_good_backup_at: newest ? new Date(newest.last!.atMs).toISOString() : null,
    last_good_backup_id: newest?.last?.id ?? null,
    age_hours: newest ? hours(nowMs - newest.last!.atMs) : null,
    /** Of the plan that runs most often; null when none has a schedule. */
    frequency_hours: intervals.length === 0 ? null : hours(Math.min(...intervals)),
    hours_since_proven_restore: proven.length === 0 ? null : hours(nowMs - Math.max(...proven)),
    plans: plans.map((one) => planAnswer(one, nowMs)),
  };
}

const nameOf = ({ plan, part }: PlanHealth) => (part === null ? plan : `${plan}/${part}`);

const hours = (ms: number) => Math.round((ms / HOUR_MS) * 10) / 10;

function planAnswer(one: PlanHealth, nowMs: number) {
  return {
    ...{ plan: one.plan, part: one.part, status: one.status, message: one.message },
    last_good_backup_at: one.last ? new Date(one.last.atMs).toISOString() : null,
    last_good_backup_id: one.last?.id ?? null,
    age_hours: one.ageMs === null ? null : hours(one.ageMs),
    limit_hours: hours(one.limitMs),
    frequency_hours: one.intervalMs === null ? null : hours(one.intervalMs),
    hours_since_proven_restore: one.provenAtMs === null ? null : hours(nowMs - one.provenAtMs),
  };
}
