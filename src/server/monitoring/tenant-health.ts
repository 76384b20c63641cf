import { HOUR_MS } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { type DrillPlan, drillPlans } from '../history/drill-plans.ts';
import { type PlanHealth, planHealth } from './plan-health.ts';

/** Promise N3, as the API answers: of each tenant the last good backup, its age, how often it is made, and the last proof. */
export async function tenantHealth(catalog: Catalog, visible: readonly string[] | null) {
  const nowMs = catalog.clock.nowMs();
  const drills = new Map((await drillPlans(catalog)).map((one) => [one.plan, one]));
  const plans = (await planHealth(catalog)).map((one) => withDrill(one, drills.get(one.plan)));
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

/** A plan with its drills: a backup that may not restore is not healthy, however young. */
type DrilledPlan = PlanHealth & { readonly drill: DrillPlan | undefined };

function withDrill(health: PlanHealth, drill: DrillPlan | undefined): DrilledPlan {
  const isRed = drill?.last?.result === 'red';
  if (!isRed && !drill?.isOverdue) return { ...health, drill };
  const what = isRed ? 'the last restore drill is red' : 'a restore drill is overdue';
  const message = health.status === 'warning' ? `${health.message}; ${what}` : what;
  return { ...health, drill, status: 'warning', message };
}

type Status = PlanHealth['status'];

const worst = (all: readonly Status[]): Status => (all.includes('warning') ? 'warning' : 'healthy');

function summary(tenantId: string | null, plans: readonly DrilledPlan[], nowMs: number) {
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

function planAnswer(one: DrilledPlan, nowMs: number) {
  return {
    ...{ plan: one.plan, part: one.part, status: one.status, message: one.message },
    last_good_backup_at: one.last ? new Date(one.last.atMs).toISOString() : null,
    last_good_backup_id: one.last?.id ?? null,
    age_hours: one.ageMs === null ? null : hours(one.ageMs),
    limit_hours: hours(one.limitMs),
    frequency_hours: one.intervalMs === null ? null : hours(one.intervalMs),
    hours_since_proven_restore: one.provenAtMs === null ? null : hours(nowMs - one.provenAtMs),
    last_drill_result: one.drill?.last?.result ?? null,
    last_drill_at: one.drill?.last ? new Date(one.drill.last.startedAtMs).toISOString() : null,
    drill_overdue: one.drill?.isOverdue ?? false,
  };
}
