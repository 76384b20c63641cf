/** Features row N4: metrics for Prometheus. `docs/metrics.md` lists them, and a test keeps the two alike. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Catalog } from '../catalog/types.ts';
import { type CatalogFacts, catalogFacts } from './catalog-facts.ts';
import { type PlanHealth, planHealth } from './plan-health.ts';

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly labels?: Labels;
  /** Null is left out. */
  readonly value: number | null;
}

const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);

interface Scrape {
  readonly plans: readonly PlanHealth[];
  readonly facts: CatalogFacts;
  readonly version: string;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind?: 'counter';
  readonly labelNames?: readonly string[];
  readonly samples: (scrape: Scrape) => readonly Sample[];
}

const PLAN = ['tenant', 'plan', 'part'] as const;

/** One sample for each plan and each database with its own hour. */
const ofPlans = (name: string, help: string, value: (one: PlanHealth) => number | null): Metric => ({
  ...{ name, help, labelNames: PLAN },
  samples: ({ plans }) =>
    plans.map((one) => ({
      labels: { tenant: one.tenantId ?? '', plan: one.plan, part: one.part ?? '' },
      value: value(one),
    })),
});

const ofDrills = (
  name: string,
  help: string,
  value: (one: CatalogFacts['drills'][number]) => number | null,
): Metric => ({
  ...{ name, help, labelNames: ['tenant', 'plan'] },
  samples: ({ facts }) =>
    facts.drills.map((one) => ({
      labels: { tenant: one.tenant_id ?? '', plan: one.plan },
      value: value(one),
    })),
});

const METRICS: readonly Metric[] = [
  {
    ...{ name: 'holdfast_build_info', help: 'Always 1; the version is a label.', labelNames: ['version'] },
    samples: ({ version }) => [{ labels: { version }, value: 1 }],
  },
  ofPlans(
    'holdfast_backup_healthy',
    '1 when the last good backup is young enough or the plan is switched off, else 0.',
    (one) => (one.status === 'healthy' ? 1 : 0),
  ),
  ofPlans('holdfast_backup_enabled', '0 when the plan is switched off.', (one) => (one.isOn ? 1 : 0)),
  ofPlans('holdfast_backup_last_success_timestamp_seconds', 'When the last good backup began.', (one) =>
    seconds(one.last?.atMs ?? null),
  ),
  ofPlans('holdfast_backup_age_seconds', 'Age of the last good backup at the scrape.', (one) =>
    seconds(one.ageMs),
  ),
  ofPlans(
    'holdfast_backup_age_limit_seconds',
    'Age of the last good backup beyond which the plan is not healthy.',
    (one) => seconds(one.limitMs),
  ),
  ofPlans('holdfast_backup_interval_seconds', 'Longest time between runs that the schedule intends.', (one) =>
    seconds(one.intervalMs),
  ),
  ofPlans('holdfast_backup_next_run_timestamp_seconds', 'When the next run is due.', (one) =>
    seconds(one.nextDueAtMs),
  ),
  ofPlans('holdfast_backup_last_duration_seconds', 'How long the last good backup took.', (one) =>
    seconds(one.last?.durationMs ?? null),
  ),
  ofPlans(
    'holdfast_backup_last_size_bytes',
    'Plain size of the last good backup.',
    (one) => one.last?.sizeBytes ?? null,
  ),
  ofPlans(
    'holdfast_backup_last_stored_bytes',
    'New bytes that the last good backup stored.',
    (one) => one.last?.storedBytes ?? null,
  ),
  ofPlans(
    'holdfast_restore_last_proven_timestamp_seconds',
    'When a drill last proved that the plan restores.',
    (one) => seconds(one.provenAtMs),
  ),
  ofDrills(
    'holdfast_drill_last_success',
    '1 when the last drill that ended was green, else 0.',
    ({ result }) => (result === 'green' ? 1 : 0),
  ),
  ofDrills('holdfast_drill_last_timestamp_seconds', 'When the last drill that ended began.', (one) =>
    seconds(one.started_at),
  ),
  ofDrills('holdfast_drill_recovery_seconds', 'Recovery time in the last drill that ended.', (one) =>
    seconds(one.recovery_ms),
  ),
  ofDrills('holdfast_drill_data_age_seconds', 'Age of the data in the last drill that ended.', (one) =>
    seconds(one.data_age_ms),
  ),
  {
    ...{ name: 'holdfast_events_total', help: 'What happened, by kind; counted once each.', kind: 'counter' },
    labelNames: ['event', 'tenant', 'plan'],
    samples: eventSamples,
  },
  {
    ...{ name: 'holdfast_jobs', help: 'Jobs that wait or run.', labelNames: ['kind', 'status'] },
    samples: ({ facts }) =>
      facts.jobs.map(({ kind, status, count }) => ({ labels: { kind, status }, value: count })),
  },
  {
    ...{
      name: 'holdfast_job_longest_wait_seconds',
      help: 'How long the job that waits longest is due; 0 when none is.',
    },
    samples: ({ facts }) => [{ value: seconds(facts.longestWaitMs) ?? 0 }],
  },
  {
    ...{ name: 'holdfast_workers', help: 'Workers that showed themselves lately.' },
    samples: ({ facts }) => [{ value: facts.workers }],
  },
  {
    ...{ name: 'holdfast_copies_missing', help: 'Backups that a destination should hold and does not.' },
    labelNames: ['destination'],
    samples: ({ facts }) =>
      facts.missingCopies.map(({ destination, count }) => ({ labels: { destination }, value: count })),
  },
  {
    ...{
      name: 'holdfast_notices_waiting',
      help: 'Notices that did not arrive yet.',
      labelNames: ['channel'],
    },
    samples: ({ facts }) =>
      facts.notices.map(({ channel, waiting }) => ({ labels: { channel }, value: waiting })),
  },
  {
    ...{
      name: 'holdfast_notices_given_up',
      help: 'Notices given up during the last 24 hours.',
      labelNames: ['channel'],
    },
    samples: ({ facts }) =>
      facts.notices.map(({ channel, failed }) => ({ labels: { channel }, value: failed })),
  },
];

/** Kinds that alerts look at: from the beginning at 0, or the first one of a plan would be no increase. */
const AWAITED = [
  'backup_completed',
  'backup_failed',
  'backup_interrupted',
  'backup_skipped',
  'run_hanging',
  'run_not_started',
  'run_missed',
  'drill_overdue',
];

function eventSamples({ facts, plans }: Scrape): Sample[] {
  const counts = new Map<string, Sample>();
  const put = (event: string, tenant: string, plan: string, value: number) =>
    counts.set(JSON.stringify([event, tenant, plan]), { labels: { event, tenant, plan }, value });
  for (const { plan, tenantId } of plans) for (const event of AWAITED) put(event, tenantId ?? '', plan, 0);
  for (const { kind, tenant_id, plan, count } of facts.events) put(kind, tenant_id, plan, count);
  return [...counts.values()];
}

/** Gauges whose names promise a counter; `promtool check metrics` rightly complains. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** Gives what makes the text of a scrape: the process's own figures, and those of the catalog as they are at that moment. */
export function openMetrics(catalog: Catalog, version: string): () => Promise<MetricsText> {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  for (const name of MISNAMED) ofProcess.removeSingleMetric(name);
  return async () => {
    const scrape: Scrape = { plans: await planHealth(catalog), facts: await catalogFacts(catalog), version };
    const registry = new Registry();
    for (const metric of METRICS) register(registry, metric, metric.samples(scrape));
    const body = `${await registry.metrics()}\n${await ofProcess.metrics()}`;
    return { contentType: registry.contentType, body };
  };
}

/** Labels that are gone with a plan are gone from the next scrape, since every scrape begins anew. */
function register(
  registry: Registry,
  { name, help, kind, labelNames }: Metric,
  samples: readonly Sample[],
): void {
  const options = { name, help, labelNames: [...(labelNames ?? [])], registers: [registry] };
  const metric = kind === 'counter' ? new Counter(options) : new Gauge(options);
  for (const { labels, value } of samples) {
    if (value !== null) metric.inc({ ...labels }, value);
  }
}

/** Name, help and labels of every metric of the catalog, for the manual. */
export const METRIC_LIST = METRICS.map(({ name, help, labelNames = [], kind = 'gauge' }) => ({
  name,
  help,
  labelNames,
  kind,
}));
