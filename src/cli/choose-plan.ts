import { resolve } from 'node:path';
import type { PlanConfig, SourceConfig } from '../contracts/config.ts';
import { atDatabase } from '../contracts/discovered-sources.ts';
import { extrasOf, tenantOf } from '../contracts/extras-options.ts';
import { nearest } from '../contracts/suggest.ts';
import { type BackupType, isOfType } from '../engine/base/backup-type.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { givenSource, withPassword } from './database-login.ts';
import { withUniqueNames } from './recognise-source.ts';
import { interpolated, type LoadedConfig, loadConfig } from './settings.ts';

/** What is to be backed up. */
export interface ChosenPlan {
  /** Null for sources named on the command line. */
  readonly name: string | null;
  readonly plan: PlanConfig | null;
  readonly loaded: LoadedConfig | null;
  readonly sources: readonly SourceSpec[];
}

interface Wanted {
  readonly type?: BackupType;
  readonly tenantId?: string;
}

/**
 * One plan of the configuration by its name, the only plan of the configuration (or of the tenant) when nothing is
 * named, else the named sources. `--type db` and `--type storage` take the matching sources only and say which are left out.
 */
export async function choosePlan(cli: Cli, args: readonly string[], wanted: Wanted): Promise<ChosenPlan> {
  const loaded = await loadConfig(cli.io, cli.options);
  const name = planName(loaded, args, wanted.tenantId ?? null);
  const chosen =
    name === null ? await fromArguments(cli, loaded, args) : await fromConfig(cli, loaded!, name);
  const sources = ofType(cli, chosen.sources, wanted.type ?? chosen.plan?.type ?? 'full');
  if (chosen.plan && wanted.tenantId !== undefined) {
    refuseOtherTenant(name!, chosen.plan, sources, wanted.tenantId);
  }
  return { ...chosen, sources };
}

/**
 * A backup under a tenant's name is open to the people of that tenant: it must hold nothing of others. Plans say whose they are;
 * one of no tenant may be taken under a name when all that it reads is filtered to that tenant.
 */
function refuseOtherTenant(
  name: string,
  plan: PlanConfig,
  sources: readonly SourceSpec[],
  tenantId: string,
): void {
  if (plan.tenantId === tenantId) return;
  if (plan.tenantId !== null) {
    throw new HoldfastError(
      'usage',
      `plan ${name} belongs to the tenant ${plan.tenantId}, not to ${tenantId}`,
      {
        next: 'leave out --tenant-id, or name a plan of that tenant',
      },
    );
  }
  const shared = sources.filter((source) => source.kind !== 'postgres' || source.tenant?.id !== tenantId);
  if (shared.length === 0) return;
  const names = shared.map((source) => source.name).join(', ');
  throw new HoldfastError(
    'usage',
    `plan ${name} belongs to no tenant, and not all it reads is that of ${tenantId}: ${names}`,
    {
      next: `leave out --tenant-id; or add tenantId: ${tenantId} to the plan if all of it is that tenant's, or tenant: to the source for an export of its rows, see docs/tenants.md`,
    },
  );
}

function planName(
  loaded: LoadedConfig | null,
  args: readonly string[],
  tenantId: string | null,
): string | null {
  const plans = loaded?.config.plans ?? {};
  const known = Object.keys(plans);
  if (args.length > 0) {
    const named = args.filter((arg) => known.includes(arg));
    if (named.length === 0) return null;
    if (args.length === 1) return named[0]!;
    throw new HoldfastError('usage', `"${named[0]}" is a plan, and a plan stands alone`, {
      next: `write ./${named[0]} if the file is meant`,
    });
  }
  const fitting = known.filter((name) => tenantId === null || plans[name]!.tenantId === tenantId);
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length === 0 && tenantId !== null && known.length > 0) {
    throw new HoldfastError('usage', `no plan belongs to the tenant ${tenantId}`, {
      next: `name what to back up for it; the plans are: ${known.join(', ')}`,
    });
  }
  if (fitting.length === 0) {
    throw new HoldfastError('usage', 'nothing was named to back up', {
      next: 'name paths or postgres:// addresses, or write a plan into holdfast.yaml',
    });
  }
  throw new HoldfastError('usage', `there are several plans: ${fitting.join(', ')}`, {
    next: 'name one of them',
  });
}

async function fromArguments(
  cli: Cli,
  loaded: LoadedConfig | null,
  args: readonly string[],
): Promise<ChosenPlan> {
  const sources: SourceSpec[] = [];
  for (const arg of args) {
    const source = await givenSource(cli, arg).catch((error: unknown) => {
      throw meantPlan(error, arg, loaded);
    });
    sources.push(source);
  }
  return { name: null, plan: null, loaded, sources: withUniqueNames(sources) };
}

/** A misspelt plan looks like a missing file: says so when a plan has nearly that name. */
function meantPlan(error: unknown, arg: string, loaded: LoadedConfig | null): unknown {
  const meant = nearest(arg, Object.keys(loaded?.config.plans ?? {}));
  if (!(error instanceof HoldfastError) || error.code !== 'source_missing' || meant === null) return error;
  return new HoldfastError('source_missing', `${arg} is neither a path nor a plan`, {
    next: `did you mean the plan ${meant}?`,
  });
}

async function fromConfig(cli: Cli, loaded: LoadedConfig, name: string): Promise<ChosenPlan> {
  const plan = loaded.config.plans[name]!;
  const sources: SourceSpec[] = [];
  for (const source of plan.sources) {
    sources.push(await specOf(cli, loaded, source, loaded.config.sources[source]!));
  }
  return { name, plan, loaded, sources };
}

/** A source of the configuration with its variables filled in and its paths absolute. */
export async function specOf(
  cli: Cli,
  loaded: LoadedConfig,
  name: string,
  source: SourceConfig,
): Promise<SourceSpec> {
  const pathOf = async (text: string) =>
    resolve(loaded.folder, await interpolated(cli.io, loaded, text, `the path of source ${name}`));
  switch (source.kind) {
    case 'sqlite':
      return {
        ...{ kind: 'sqlite', name, path: await pathOf(source.path) },
        ...(source.busyTimeoutSeconds === undefined
          ? {}
          : { busyTimeoutMs: source.busyTimeoutSeconds * 1000 }),
        ...(source.allowDamaged ? { allowDamaged: true } : {}),
        ...extrasOf(source),
      };
    case 'files': {
      const { exclude, optional } = source;
      const paths = await Promise.all((source.paths ?? [source.path!]).map(pathOf));
      return { kind: 'files', name, paths, exclude, optional };
    }
    case 'command': {
      const { command, artifactName, restoreCommand } = source;
      return { kind: 'command', name, command, artifactName, restoreCommand: restoreCommand ?? null };
    }
    case 'postgres': {
      const text = source.url ?? `\${${source.urlEnv}}`;
      const address = await interpolated(cli.io, loaded, text, `the address of source ${name}`, true);
      const { database } = source;
      const given = database === undefined ? address : (atDatabase(address, database) ?? address);
      const url = await withPassword(cli, given);
      return {
        kind: 'postgres',
        name,
        url,
        globals: source.globals,
        ...extrasOf(source),
        ...tenantOf(source),
      };
    }
  }
}

function ofType(cli: Cli, sources: readonly SourceSpec[], type: BackupType): readonly SourceSpec[] {
  const taken = sources.filter(({ kind }) => isOfType(kind, type));
  const left = sources.filter((source) => !taken.includes(source)).map(({ name }) => name);
  if (taken.length === 0) {
    throw new HoldfastError('usage', `none of the sources is of type ${type}: ${left.join(', ')}`, {
      next: 'leave out --type, or name other sources',
    });
  }
  if (left.length > 0) cli.note(`type ${type} leaves out ${left.join(', ')}`);
  return taken;
}
