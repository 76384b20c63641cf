import type { Config } from '../../contracts/config.ts';
import { destinationsOf } from '../../contracts/config-destinations.ts';
import { isTableArchivePlan, tableArchiveRules } from '../../contracts/table-archives.ts';
import type { Cli } from '../cli.ts';
import { atEach } from '../each-destination.ts';
import type { Engine, ListedBackup, RetentionInput } from '../engine-door.ts';
import { mask } from '../mask.ts';
import { loadEngine } from '../open-engine.ts';
import { chooseDestination, configuredDestination, type Destination, loadConfig } from '../settings.ts';
import { type Lifetime, lifetimeOf, lockDaysOf, usualGapDays } from './lifetime.ts';

export interface ErasureRow extends Lifetime {
  /** Null for backups that belong to no plan. */
  readonly plan: string | null;
  readonly destination: string;
  /** Age of the oldest backup that is there now; null when there is none, or the destination does not answer. */
  readonly oldestDays: number | null;
  readonly held: readonly { readonly backupId: string; readonly reason: string | null }[];
}

export interface ErasureReport {
  readonly madeAt: string;
  readonly rows: readonly ErasureRow[];
  /** Destinations that did not answer: what is there now is not known. */
  readonly unknown: readonly string[];
}

interface Seen {
  readonly backups: readonly ListedBackup[];
  readonly reasons: ReadonlyMap<string, string | null>;
}

/** Every plan of the configuration and every one that a destination holds backups of. */
export async function gatherErasure(cli: Cli): Promise<ErasureReport> {
  const loaded = await loadConfig(cli.io, cli.options);
  const names = Object.keys(loaded?.config.destinations ?? {});
  const isOne =
    !loaded || cli.options.destination !== undefined || cli.options.repository || names.length === 0;
  const places = isOne
    ? [await chooseDestination(cli.io, cli.options, loaded, null)]
    : await Promise.all(names.map((name) => configuredDestination(cli.io, loaded, name)));
  const answers = await atEach(cli, look);
  const { resolveRetention } = await loadEngine(cli);
  const rows: ErasureRow[] = [];
  const unknown: string[] = [];
  for (const place of places) {
    const seen =
      'alone' in answers
        ? answers.alone
        : (answers.several.find(({ destination }) => destination === place.name)?.result ?? null);
    if (seen === null) unknown.push(nameOf(place));
    for (const plan of plansAt(loaded?.config ?? null, place, seen)) {
      const rules = rulesAt(loaded?.config ?? null, place, plan);
      rows.push(
        rowOf(plan, place, lifetimeFor(resolveRetention(rules), plan, place, seen), seen, cli.io.nowMs()),
      );
    }
  }
  return { madeAt: new Date(cli.io.nowMs()).toISOString(), rows, unknown };
}

async function look(engine: Engine): Promise<Seen> {
  const backups = await engine.list({ plan: null, tenantId: null, archived: false });
  const holds = engine.repositoryId === '' ? [] : await engine.listHolds();
  return { backups, reasons: new Map(holds.map(({ backupId, reason }) => [backupId, reason])) };
}

const nameOf = ({ name, address }: Destination) => name ?? mask(address);

function plansAt(config: Config | null, place: Destination, seen: Seen | null): (string | null)[] {
  const configured = Object.entries(config?.plans ?? {})
    .filter(
      ([, plan]) =>
        place.name === null || destinationsOf(config!, plan).some(({ name }) => name === place.name),
    )
    .map(([name]) => name);
  return [...new Set<string | null>([...configured, ...(seen?.backups.map(({ plan }) => plan) ?? [])])];
}

function rulesAt(config: Config | null, place: Destination, plan: string | null): RetentionInput {
  const archive = tableArchiveRules(config, plan);
  if (archive) return archive;
  const known = plan === null ? undefined : config?.plans[plan];
  if (!known) return plan === 'imported' ? { days: null, versions: null } : {};
  return (destinationsOf(config!, known).find(({ name }) => name === place.name) ?? known).retention;
}

function lifetimeFor(
  rules: Parameters<typeof lifetimeOf>[0],
  plan: string | null,
  place: Destination,
  seen: Seen | null,
): Lifetime {
  const times = seen?.backups.filter((one) => one.plan === plan).map(({ timestampMs }) => timestampMs) ?? [];
  const gap = isTableArchivePlan(plan) ? null : usualGapDays(times);
  return lifetimeOf(rules, gap, lockDaysOf(place.address));
}

function rowOf(
  plan: string | null,
  place: Destination,
  lifetime: Lifetime,
  seen: Seen | null,
  nowMs: number,
): ErasureRow {
  const there = seen?.backups.filter((one) => one.plan === plan) ?? [];
  const oldest = Math.min(...there.map(({ timestampMs }) => timestampMs));
  return {
    ...{ plan, destination: nameOf(place), ...lifetime },
    oldestDays: there.length === 0 ? null : Math.floor((nowMs - oldest) / 86_400_000),
    held: there
      .filter(({ held }) => held)
      .map(({ id }) => ({ backupId: id, reason: seen?.reasons.get(id) ?? null })),
  };
}
