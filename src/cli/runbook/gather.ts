/** What a runbook tells: read from the configuration and the destinations, without a secret. */

import { hostname } from 'node:os';
import type { Config, PlanConfig } from '../../contracts/config.ts';
import { partsOf } from '../../contracts/config-destinations.ts';
import type { WayBackStep } from '../../contracts/guard-payload.ts';
import { asHoldfastError } from '../../engine/base/errors.ts';
import type { SourceSpec } from '../../engine/index.ts';
import { specOf } from '../choose-plan.ts';
import type { Cli } from '../cli.ts';
import { atEach } from '../each-destination.ts';
import type { BackupDetails, Engine, ListedBackup, ProvenEvidence } from '../engine-door.ts';
import { generatedKeyFile } from '../key-texts.ts';
import { mask } from '../mask.ts';
import {
  chooseDestination,
  configuredDestination,
  type Destination,
  givenDestination,
  type LoadedConfig,
  loadConfig,
} from '../settings.ts';
import { stepsOf } from '../way-back.ts';

export interface RunbookDestination {
  readonly name: string | null;
  readonly address: string;
  readonly layout: 'repository' | 'bundles';
  readonly encryption: 'aes-256-gcm' | 'none';
  readonly region: string | null;
  readonly repositoryId: string | null;
  readonly backups: number;
  readonly keys: readonly { readonly keyId: string; readonly label: string; readonly kind: string }[];
  /** Where its key is found; never the key. */
  readonly keyPlace: string;
  /** Why it could not be looked at; null when it was. */
  readonly failure: string | null;
}

export interface RunbookBackup {
  readonly id: string;
  readonly at: string;
  readonly destinations: readonly string[];
  readonly steps: readonly WayBackStep[];
}

export interface RunbookPlan {
  /** Null for backups that belong to none. */
  readonly plan: string | null;
  readonly sources: readonly string[];
  readonly backups: readonly RunbookBackup[];
  readonly start: readonly string[];
  readonly proven: {
    readonly at: string;
    readonly rtoMs: number | null;
    readonly rpoMs: number | null;
    readonly drillId: string;
    readonly backupId: string;
  } | null;
}

export interface Runbook {
  readonly madeAt: string;
  readonly host: string;
  readonly configuration: string | null;
  readonly destinations: readonly RunbookDestination[];
  /** Variables and files that the configuration refers to. */
  readonly secrets: readonly { readonly place: string; readonly of: string }[];
  readonly plans: readonly RunbookPlan[];
}

interface Seen {
  readonly backups: readonly ListedBackup[];
  readonly newest: readonly BackupDetails[];
  readonly evidence: readonly ProvenEvidence[];
  readonly keys: RunbookDestination['keys'];
  readonly repositoryId: string;
}

/** Destinations that do not answer are said so: a runbook is written also when something is down. */
export async function gatherRunbook(cli: Cli): Promise<Runbook> {
  const loaded = givenDestination(cli.io, cli.options) ? null : await loadConfig(cli.io, cli.options);
  const places = await placesOf(cli, loaded);
  const answers = await atEach(cli, look);
  const seen = new Map<string, { readonly result: Seen | null; readonly failure: string | null }>();
  if ('alone' in answers) seen.set(places[0]!.name ?? '', { result: answers.alone, failure: null });
  else {
    for (const { destination, result, failure } of answers.several) {
      seen.set(destination, { result, failure: failure?.message ?? null });
    }
  }
  const known = places.map((place) => ({
    place,
    ...(seen.get(place.name ?? '') ?? { result: null, failure: null }),
  }));
  return {
    madeAt: new Date(cli.io.nowMs()).toISOString(),
    host: hostname(),
    configuration: loaded?.file ?? null,
    destinations: known.map(({ place, result, failure }) => ({
      ...{ name: place.name, address: mask(place.address), layout: place.layout, region: place.region },
      encryption: place.encryption ?? 'aes-256-gcm',
      ...{ repositoryId: result?.repositoryId || null, backups: result?.backups.length ?? 0 },
      ...{ keys: result?.keys ?? [], keyPlace: keyPlaceOf(cli, place), failure },
    })),
    secrets: loaded ? secretsOf(loaded.config) : [],
    plans: await plansOf(cli, loaded, known),
  };
}

async function placesOf(cli: Cli, loaded: LoadedConfig | null): Promise<Destination[]> {
  const names = Object.keys(loaded?.config.destinations ?? {});
  if (!loaded || cli.options.destination || names.length === 0) {
    return [await chooseDestination(cli.io, cli.options, loaded, null)];
  }
  return Promise.all(names.map((name) => configuredDestination(cli.io, loaded, name)));
}

async function look(engine: Engine): Promise<Seen> {
  const backups = await engine.list({ plan: null, tenantId: null, archived: false });
  const good = backups.filter(({ status }) => status === 'succeeded');
  const ids = good
    .filter((one, i) => good.findIndex(({ plan }) => plan === one.plan) === i)
    .map(({ id }) => id);
  const newest: BackupDetails[] = [];
  for (const id of ids) newest.push(await engine.show(id));
  const isRepository = engine.repositoryId !== '';
  return {
    ...{ backups, newest, repositoryId: engine.repositoryId },
    evidence: isRepository ? await engine.listEvidence().catch(() => []) : [],
    keys: isRepository
      ? (await engine.listKeys())
          .filter(({ current }) => current)
          .map(({ keyId, label, kind }) => ({ keyId, label, kind }))
      : [],
  };
}

function keyPlaceOf(cli: Cli, { keys }: Destination): string {
  const { env, file } = keys?.current ?? {};
  if (env !== undefined) return `the variable ${env}`;
  if (file !== undefined) return `the file ${file}`;
  const { BACKUP_ENCRYPTION_KEY, BACKUP_ENCRYPTION_KEY_FILE } = cli.io.environment;
  if (BACKUP_ENCRYPTION_KEY) return 'the variable BACKUP_ENCRYPTION_KEY';
  if (BACKUP_ENCRYPTION_KEY_FILE) return `the file ${BACKUP_ENCRYPTION_KEY_FILE}`;
  return `the file ${generatedKeyFile(cli)}`;
}

/** Every `env`, `file`, `urlEnv` and `${NAME}`, and the part of the configuration that refers to it. */
export function secretsOf(config: Config): { place: string; of: string }[] {
  const found = new Map<string, Set<string>>();
  const add = (place: string, of: string) => found.set(place, (found.get(place) ?? new Set()).add(of));
  const look = (value: unknown, of: string): void => {
    if (typeof value === 'string') {
      for (const [, name] of value.matchAll(/\$\{(\w+)\}/g)) add(`variable ${name}`, of);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if ((key === 'env' || key === 'urlEnv') && typeof inner === 'string') add(`variable ${inner}`, of);
        else if (key === 'file' && typeof inner === 'string') add(`file ${inner}`, of);
        else look(inner, of);
      }
    }
  };
  for (const [name, one] of Object.entries(config.destinations)) look(one, `destination ${name}`);
  for (const [name, one] of Object.entries(config.sources)) look(one, `source ${name}`);
  return [...found].map(([place, of]) => ({ place, of: [...of].join(', ') }));
}

type Known = readonly { readonly place: Destination; readonly result: Seen | null }[];

async function plansOf(cli: Cli, loaded: LoadedConfig | null, known: Known): Promise<RunbookPlan[]> {
  const configured = Object.entries(loaded?.config.plans ?? {});
  const plans: RunbookPlan[] = [];
  for (const [name, plan] of configured) plans.push(await planOf(cli, loaded!, name, plan, known));
  const isOther = ({ plan }: BackupDetails) => plan === null;
  const others = backupsAmong(known, isOther);
  if (others.length === 0) return plans;
  const backups = others.map(({ backup, names }) => stepped(cli, backup, names, []));
  return [...plans, { plan: null, sources: [], backups, start: [], proven: provenOf(known, null) }];
}

async function planOf(
  cli: Cli,
  loaded: LoadedConfig,
  name: string,
  plan: PlanConfig,
  known: Known,
): Promise<RunbookPlan> {
  const specs: SourceSpec[] = [];
  for (const source of plan.sources) {
    try {
      specs.push(await specOf(cli, loaded, source, loaded.config.sources[source]!));
    } catch (error) {
      // Its variable is not set here: the command without a target finds the place on the machine that has it.
      cli.note(`warning: ${mask(asHoldfastError(error).message)}`);
    }
  }
  const backups: RunbookBackup[] = [];
  for (const { destinations } of partsOf(loaded.config, plan)) {
    const wanted = destinations?.map((one) => one.name) ?? null;
    const among = known.filter(
      ({ place }) => wanted === null || wanted.length === 0 || wanted.includes(place.name ?? ''),
    );
    const [newest] = backupsAmong(among, (backup) => backup.plan === name);
    if (newest && !backups.some(({ id }) => id === newest.backup.id)) {
      backups.push(stepped(cli, newest.backup, newest.names, specs));
    }
  }
  const start = (plan.drill?.checks ?? []).flatMap((check) =>
    check.kind === 'application'
      ? [`${check.folder === undefined ? '' : `cd ${check.folder} && `}${check.command}`]
      : [],
  );
  return { plan: name, sources: plan.sources, backups, start, proven: provenOf(known, name) };
}

/** The newest that fit, with the destinations that hold each. */
function backupsAmong(known: Known, fits: (backup: BackupDetails) => boolean) {
  const found = new Map<string, { backup: BackupDetails; names: string[] }>();
  for (const { place, result } of known) {
    for (const backup of result?.newest.filter(fits) ?? []) {
      const one = found.get(backup.id) ?? { backup, names: [] };
      one.names.push(place.name ?? mask(place.address));
      found.set(backup.id, one);
    }
  }
  return [...found.values()].sort((a, b) => b.backup.timestampMs - a.backup.timestampMs);
}

/** Keys and files of few bytes first, which the rest may need; then roles, databases, files, and commands. */
const RANKS = [/^pg-globals$/, /^(pg-|sqlite)/, /^tree$/];

function stepped(
  cli: Cli,
  backup: BackupDetails,
  destinations: readonly string[],
  specs: readonly SourceSpec[],
): RunbookBackup {
  const known = stepsOf(cli, specs, backup, true);
  const missing = backup.artifacts
    .filter(({ source }) => !specs.some(({ name }) => name === source))
    .map(({ name }) => ({
      ...{ item: name, commands: [`holdfast restore ${backup.id} ${name} --to ./${name} --confirm-restore`] },
      ...{ note: null, undo: null },
    }));
  const rankOf = ({ item }: WayBackStep) => {
    const artifact = backup.artifacts.find(({ name, source }) => name === item || source === item);
    const rank = RANKS.findIndex((kind) => kind.test(artifact?.kind ?? ''));
    return artifact?.kind === 'tree' && artifact.sizeBytes < 1_000_000 ? -1 : rank < 0 ? RANKS.length : rank;
  };
  const steps = [...known, ...missing].sort((a, b) => rankOf(a) - rankOf(b));
  return { id: backup.id, at: new Date(backup.timestampMs).toISOString(), destinations, steps };
}

function provenOf(known: Known, plan: string | null): RunbookPlan['proven'] {
  const green = known
    .flatMap(({ result }) => result?.evidence ?? [])
    .filter(({ report }) => report.result === 'green' && report.plan === plan)
    .sort((a, b) => (a.drillId < b.drillId ? 1 : -1));
  const [newest] = green;
  if (!newest) return null;
  const { report, drillId, backupId } = newest;
  return { at: report.finishedAt, rtoMs: report.rtoMs, rpoMs: report.rpoMs, drillId, backupId };
}
