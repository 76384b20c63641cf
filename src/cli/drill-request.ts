import { resolve } from 'node:path';
import type { Config, PlanConfig } from '../contracts/config.ts';
import { drillSettings } from '../contracts/config-drill.ts';
import { nearest } from '../contracts/suggest.ts';
import { isOfType } from '../engine/base/backup-type.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import { specOf } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import { placedParts, specOfAddress } from './destination-specs.ts';
import type { DestinationSpec, DrillRequest } from './engine-door.ts';
import { chooseDestination, interpolated, type LoadedConfig, loadConfig } from './settings.ts';

/** A drill of a plan of the configuration, or of whatever the one destination holds. */
export interface ChosenDrill {
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** Copies of the main part, in the order they are tried. */
  readonly specs: readonly DestinationSpec[];
  /** Of parts that lie elsewhere. */
  readonly others: readonly {
    readonly sources: readonly string[];
    readonly specs: readonly DestinationSpec[];
  }[];
  readonly request: Pick<DrillRequest, 'settings' | 'sources' | 'expected'>;
}

/** Throws `usage` for a plan that is not there, `config_invalid`. */
export async function chooseDrill(cli: Cli, planName: string | undefined): Promise<ChosenDrill> {
  const loaded = await loadConfig(cli.io, cli.options);
  const name = chosenName(loaded, planName);
  if (!loaded || name === null) {
    const spec = specOfAddress(cli, loaded, await chooseDestination(cli.io, cli.options, loaded, null));
    const settings = drillSettings(undefined, null) as DrillRequest['settings'];
    return {
      ...{ plan: null, tenantId: null, specs: [spec], others: [] },
      request: { settings, sources: [], expected: [] },
    };
  }
  const plan = loaded.config.plans[name]!;
  const parts = await placedParts(cli, loaded, plan);
  const isMain = (sources: readonly string[]) =>
    sources.some((source) => plan.separate?.[source] === undefined);
  const main = parts.find(({ sources }) => isMain(sources)) ?? parts[0]!;
  return {
    ...{ plan: name, tenantId: plan.tenantId, specs: main.specs },
    others: parts.filter((part) => part !== main),
    request: await drillNeeds(cli, loaded, plan),
  };
}

/** What a drill of a plan needs besides its backups. Throws `config_invalid` for a variable that is not set. */
export async function drillNeeds(
  cli: Cli,
  loaded: LoadedConfig,
  plan: PlanConfig,
): Promise<ChosenDrill['request']> {
  return {
    settings: await settingsOf(cli, loaded, plan),
    sources: await liveSources(cli, loaded, plan),
    expected: expectedOf(loaded.config, plan),
  };
}

function chosenName(loaded: LoadedConfig | null, wanted: string | undefined): string | null {
  const known = Object.keys(loaded?.config.plans ?? {});
  if (wanted === undefined) {
    if (known.length < 2) return known[0] ?? null;
    throw new HoldfastError('usage', `there are several plans: ${known.join(', ')}`, {
      next: 'name one of them',
    });
  }
  if (known.includes(wanted)) return wanted;
  const meant = nearest(wanted, known);
  throw new HoldfastError('usage', `there is no plan ${wanted}`, {
    next: meant
      ? `did you mean ${meant}?`
      : `known: ${known.join(', ') || 'none, there is no configuration'}`,
  });
}

async function settingsOf(
  cli: Cli,
  loaded: LoadedConfig,
  plan: PlanConfig,
): Promise<DrillRequest['settings']> {
  const name = plan.drill?.postgres.serverEnv;
  const server = name === undefined ? null : cli.io.environment[name];
  if (server === undefined || server === '') {
    throw new HoldfastError(
      'config_invalid',
      `${loaded.file}: the server for drills needs the environment variable ${name}, which is not set`,
      { next: `set ${name}` },
    );
  }
  const settings = drillSettings(plan.drill, server) as DrillRequest['settings'];
  const absolute = (path: string | null) => (path === null ? null : resolve(loaded.folder, path));
  return {
    ...settings,
    folder: absolute(settings.folder),
    postgresPrograms: settings.postgresPrograms.map((path) => resolve(loaded.folder, path)),
    checks: await Promise.all(
      settings.checks.map(async (check) =>
        check.kind === 'sql'
          ? check
          : { ...(await filled(cli, loaded, check)), folder: absolute(check.folder ?? '.') },
      ),
    ),
  };
}

type Started = Exclude<DrillRequest['settings']['checks'][number], { kind: 'sql' }>;

/** Variables, headers and bodies with their `${NAME}` replaced: secrets of checks need not stand in the configuration. */
async function filled<C extends Started>(cli: Cli, loaded: LoadedConfig, check: C): Promise<C> {
  const textOf = (text: string) => interpolated(cli.io, loaded, text, `check "${check.name}"`);
  const all = async (map: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      await Promise.all(Object.entries(map).map(async ([name, text]) => [name, await textOf(text)] as const)),
    );
  const environment = await all(check.environment);
  if (check.kind === 'command') return { ...check, environment };
  const http = await Promise.all(
    check.http.map(async (one) => ({
      ...one,
      headers: await all(one.headers),
      body: one.body === null ? null : await textOf(one.body),
    })),
  );
  return { ...check, environment, http };
}

/** A machine that only drills need not know how to reach what is live: then there is nothing it could touch. */
async function liveSources(cli: Cli, loaded: LoadedConfig, plan: PlanConfig): Promise<SourceSpec[]> {
  const specs: SourceSpec[] = [];
  for (const name of plan.sources) {
    try {
      specs.push(await specOf(cli, loaded, name, loaded.config.sources[name]!));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'config_invalid') throw error;
    }
  }
  return specs;
}

function expectedOf({ sources }: Config, plan: PlanConfig): DrillRequest['expected'] {
  return plan.sources.flatMap((name) => {
    const source = sources[name]!;
    if (!isOfType(source.kind, plan.type)) return [];
    return [{ name, kind: source.kind, mayLack: source.kind === 'files' && source.optional }];
  });
}
