/** What a configuration says, or leaves out, that would make a recovery fail. */
import { stat } from 'node:fs/promises';
import type { Config, PlanConfig } from '../../contracts/config.ts';
import { destinationsOf } from '../../contracts/config-destinations.ts';
import { drillCron } from '../../contracts/config-drill.ts';
import { keysBesideData, renderKeysBesideData } from '../../contracts/key-separation.ts';
import type { ResolvedRetention, RetentionInput } from '../../engine/index.ts';
import type { DoctorCheck } from '../engine-door.ts';
import { formatCount } from '../format.ts';

/** What the checks ask of the machine. */
export interface DoctorPlace {
  /** Number of the disk below a path; null when it is not there. */
  readonly diskOf: (path: string) => Promise<number | null>;
  /** A path of the configuration, absolute. */
  readonly pathOf: (text: string) => Promise<string | null>;
  readonly resolveRetention: (rules: RetentionInput) => ResolvedRetention;
}

const warning = (name: string, message: string, next: string): DoctorCheck => ({
  ...{ name, status: 'warning', message, next },
});

export async function configChecks(config: Config, place: DoctorPlace): Promise<DoctorCheck[]> {
  const checks = keysBesideData(config).map((found) =>
    warning(
      'key separation',
      renderKeysBesideData(found),
      'add separate to the plan, then run holdfast config diff; see docs/operations.md, several destinations',
    ),
  );
  for (const [name, plan] of Object.entries(config.plans)) {
    checks.push(...scheduleChecks(name, plan), ...(await drillChecks(name, plan, config, place)));
    checks.push(...(await diskChecks(name, plan, config, place)));
  }
  return checks;
}

function scheduleChecks(name: string, plan: PlanConfig): DoctorCheck[] {
  const hasDatabases = Object.values(plan.databases ?? {}).some(({ enabled }) => enabled);
  if (plan.enabled !== false && (plan.schedule !== null || hasDatabases)) return [];
  const why = plan.enabled === false ? 'is switched off' : 'has no schedule';
  return [
    warning(
      `plan ${name}`,
      `${why}: it runs only when somebody asks for it`,
      `set plans.${name}.schedule, or run holdfast backup ${name} from cron`,
    ),
  ];
}

/** Backups that are gone before the next drill looks at one are never proven. */
async function drillChecks(
  name: string,
  plan: PlanConfig,
  config: Config,
  { resolveRetention }: DoctorPlace,
): Promise<DoctorCheck[]> {
  const cron = plan.drill ? drillCron(plan.drill) : null;
  if (cron === null) {
    if (plan.drill?.afterBackups !== undefined) return [];
    return [
      warning(
        `plan ${name}`,
        'no drill is planned: nobody finds out that it cannot be restored',
        `set plans.${name}.drill.schedule to monthly, and run holdfast drill ${name} now`,
      ),
    ];
  }
  const everyDays = await daysBetween(cron);
  if (everyDays === null) return [];
  return destinationsOf(config, plan).flatMap(({ name: destination, retention }) => {
    const { days } = resolveRetention(retention);
    if (days === null || days >= everyDays) return [];
    const message = `backups at ${destination} stay ${formatCount(days, 'day')}, and a drill looks every ${Math.round(everyDays)}: most are gone unproven`;
    return [
      warning(
        `plan ${name}`,
        message,
        `set plans.${name}.drill.schedule to run more often, or keep backups longer`,
      ),
    ];
  });
}

/** The longest of the next few distances; null for an expression that never comes or is not one. */
async function daysBetween(cron: string): Promise<number | null> {
  const { Cron } = await import('croner');
  try {
    const times = new Cron(cron, { timezone: 'UTC' }).nextRuns(6).map((time) => time.getTime());
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    return gaps.length === 0 ? null : Math.max(...gaps) / 86_400_000;
  } catch {
    return null;
  }
}

/** A disk that dies takes data and backup with it. */
async function diskChecks(
  name: string,
  plan: PlanConfig,
  config: Config,
  { diskOf, pathOf }: DoctorPlace,
): Promise<DoctorCheck[]> {
  const disks = new Set<number | null>();
  for (const { name: destination } of destinationsOf(config, plan)) {
    const address = config.destinations[destination]?.address ?? '';
    // Somewhere else, as far as this machine can tell.
    if (/^[a-z][a-z0-9+.-]*:/i.test(address) && !address.startsWith('file://')) return [];
    const path = await pathOf(address.replace(/^file:\/\//, ''));
    disks.add(path === null ? null : await diskOf(path));
  }
  const beside: string[] = [];
  for (const source of plan.sources) {
    const settings = config.sources[source];
    const paths =
      settings?.kind === 'files'
        ? (settings.paths ?? [settings.path!])
        : settings?.kind === 'sqlite'
          ? [settings.path]
          : [];
    for (const text of paths) {
      const path = await pathOf(text);
      const disk = path === null ? null : await diskOf(path);
      if (disk !== null && disks.size === 1 && disks.has(disk)) beside.push(source);
    }
  }
  if (beside.length === 0) return [];
  const which = destinationsOf(config, plan).length > 1 ? 'every copy' : 'the only copy';
  const message = `${which} of ${[...new Set(beside)].join(', ')} is on the same disk as the data itself`;
  return [
    warning(`plan ${name}`, message, 'add a destination elsewhere to the plan, then run holdfast replicate'),
  ];
}

/** As this machine tells it: of the nearest folder that is there. */
export async function diskOf(path: string): Promise<number | null> {
  for (let at = path; ; at = at.replace(/\/[^/]*$/, '')) {
    if (at === '') return null;
    const info = await stat(at).catch(() => null);
    if (info) return info.dev;
  }
}
