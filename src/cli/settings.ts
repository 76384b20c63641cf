import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config, DestinationConfig, PlanConfig } from '../contracts/config.ts';
import { destinationsOf } from '../contracts/config-destinations.ts';
import type { ConfigProblem, ConfigResult } from '../contracts/config-file.ts';
import { withInheritedRetention } from '../contracts/inherited-retention.ts';
import { HoldfastError, systemCode } from '../engine/base/errors.ts';
import type { CliIo, GlobalOptions } from './cli.ts';

/** The configuration file, read and checked. */
export interface LoadedConfig {
  readonly file: string;
  /** Relative paths in the file are relative to this. */
  readonly folder: string;
  readonly config: Config;
}

/** Where backups go, and who said so. */
export interface Destination {
  /** As the configuration calls it; null for one that it does not name. */
  readonly name: string | null;
  readonly address: string;
  readonly layout: 'repository' | 'bundles';
  /** See the configuration; absent for the default. */
  readonly encryption?: DestinationConfig['encryption'];
  readonly keys: DestinationConfig['keys'] | null;
  /** See the configuration; null when nobody said. */
  readonly region: string | null;
  /** How to log in, as far as the configuration says. */
  readonly login: Login;
  readonly chosenBy: '--repository' | 'HOLDFAST_REPOSITORY' | '--destination' | 'configuration' | 'default';
  /** Keys named by file in the configuration are relative to this. */
  readonly folder: string;
  /** Below this a backup is skipped; null for the engine's default. */
  readonly minimumFreeBytes: number | null;
  /** See the configuration. */
  readonly limits?: DestinationConfig['limits'];
  /** Whether what changed little is stored as a difference; null for the engine's default. */
  readonly differences: boolean | null;
}

export type Login = Pick<DestinationConfig, 's3' | 'supabase' | 'sftp'>;

/** HOLDFAST_HOME, else `holdfast` in the user's data folder. Absolute; it need not exist. */
export function homeFolder(io: CliIo): string {
  const { HOLDFAST_HOME, XDG_DATA_HOME } = io.environment;
  if (HOLDFAST_HOME) return resolve(io.folder, HOLDFAST_HOME);
  // The XDG specification: a relative path is to be ignored.
  const data = XDG_DATA_HOME?.startsWith('/') ? XDG_DATA_HOME : join(io.userFolder, '.local', 'share');
  return join(data, 'holdfast');
}

/** The file that --config, HOLDFAST_CONFIG or the current folder names; null when there is none. Throws `config_invalid` for a stranger's. */
export function configPath(io: CliIo, options: GlobalOptions): string | null {
  const named = options.config ?? io.environment.HOLDFAST_CONFIG;
  if (named) return resolve(io.folder, named);
  const here = join(io.folder, 'holdfast.yaml');
  const info = statSync(here, { throwIfNoEntry: false });
  if (!info) return null;
  refuseForeign(here, info);
  return here;
}

/** A configuration runs commands and says where data goes, so one that merely lies around must be our own. */
function refuseForeign(file: string, { uid, mode }: Stats): void {
  const isOwn = uid === 0 || uid === process.getuid?.();
  if (isOwn && (mode & 0o002) === 0) return;
  const why = isOwn ? 'can be written by anyone' : 'belongs to another user';
  throw new HoldfastError('config_invalid', `${file} ${why}, so it is not used by itself`, {
    next: `name it with --config ${file} if you trust it`,
  });
}

/** `--config catalog:` is what the server of this data folder has stored. */
export const isStored = (io: CliIo, options: GlobalOptions) =>
  (options.config ?? io.environment.HOLDFAST_CONFIG) === 'catalog:';

/** The scripts of npm that an operator runs beside a server. */
const BESIDE_SERVER = /^(backup:(run|rotate|restore)|reencrypt-secrets)$/;

/** Said so, or one of the scripts without any place named: then the server of this data folder is meant, if there is one. */
function meansStored(io: CliIo, options: GlobalOptions): boolean {
  if (isStored(io, options)) return true;
  const { npm_lifecycle_event: script, HOLDFAST_REPOSITORY } = io.environment;
  return BESIDE_SERVER.test(script ?? '') && !options.repository && !HOLDFAST_REPOSITORY;
}

/**
 * Null when there is no configuration. Plans that say nothing about retention have that of its settings. Throws `config_missing`,
 * `config_invalid` with every problem and its place.
 */
export async function loadConfig(io: CliIo, options: GlobalOptions): Promise<LoadedConfig | null> {
  const file = isStored(io, options) ? null : configPath(io, options);
  if (file === null) {
    if (!meansStored(io, options)) return null;
    const { loadStoredConfig } = await import('./stored-config.ts');
    return loadStoredConfig(io, homeFolder(io));
  }
  const { config } = await parsedConfig(file);
  return { file, folder: dirname(file), config: withInheritedRetention(config) };
}

export type ParsedConfig = Extract<ConfigResult, { readonly config: Config }>;

/** A configuration file as it is written, and where in it everything stands. Throws `config_missing`, `config_invalid`. */
export async function parsedConfig(file: string): Promise<ParsedConfig> {
  const text = await readConfig(file);
  const { parseConfig } = await import('../contracts/config-file.ts');
  const result = parseConfig(text);
  if ('problems' in result) throw invalidConfig(file, result.problems);
  return result;
}

export async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw new HoldfastError('config_missing', `${file} does not exist`);
    throw new HoldfastError('config_invalid', `${file} cannot be read: ${(error as Error).message}`, {
      next: 'check its owner and permissions',
    });
  }
}

export function invalidConfig(file: string, problems: readonly ConfigProblem[]): HoldfastError {
  const lines = problems.map(
    ({ line, column, field, message }) =>
      `${file}${line === null ? '' : ` line ${line}, column ${column}`}: ${field === '' ? '' : `${field}: `}${message}`,
  );
  return new HoldfastError('config_invalid', lines.join('\n'));
}

/** The destination that an address on the command line or in the environment names, whatever a configuration says; null without one. */
export function givenDestination(io: CliIo, options: GlobalOptions): Destination | null {
  const { HOLDFAST_REPOSITORY } = io.environment;
  if (options.repository && options.destination) {
    throw new HoldfastError('usage', '--repository and --destination exclude each other', {
      next: 'name the place by its address or by its name',
    });
  }
  if (options.repository) return atAddress(io, options.repository, '--repository');
  if (options.destination || !HOLDFAST_REPOSITORY) return null;
  return atAddress(io, HOLDFAST_REPOSITORY, 'HOLDFAST_REPOSITORY');
}

function atAddress(io: CliIo, address: string, chosenBy: Destination['chosenBy']): Destination {
  return {
    ...{ name: null, layout: 'repository', keys: null, region: null, login: {}, chosenBy },
    address: absoluteAddress(address, io.folder),
    folder: io.folder,
    minimumFreeBytes: minimumFreeBytesOf(io),
    differences: null,
  };
}

/** A destination of the configuration by its name. Throws `usage` for one that is not there, `config_invalid` for an unset variable. */
export async function configuredDestination(
  io: CliIo,
  loaded: LoadedConfig,
  name: string,
  chosenBy: Destination['chosenBy'] = 'configuration',
): Promise<Destination> {
  const { destinations } = loaded.config;
  const found = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
  if (!found) {
    throw new HoldfastError('usage', `${loaded.file} has no destination ${name}`, {
      next: `it has: ${Object.keys(destinations).join(', ') || 'none'}`,
    });
  }
  const address = await interpolated(io, loaded, found.address, `the address of the destination ${name}`);
  const { layout, encryption, keys, region, s3, supabase, sftp, limits } = found;
  return {
    ...{ name, layout, chosenBy, keys: keys ?? null, region: region ?? null },
    ...(encryption && { encryption }),
    login: { ...(s3 && { s3 }), ...(supabase && { supabase }), ...(sftp && { sftp }) },
    address: absoluteAddress(address, loaded.folder),
    folder: loaded.folder,
    minimumFreeBytes: minimumFreeBytesOf(io) ?? found.minimumFreeBytes ?? null,
    ...(limits && { limits }),
    differences: found.differences ?? null,
  };
}

/**
 * The one place a command works with: --repository, --destination, HOLDFAST_REPOSITORY, the plan's destination, the only
 * destination of the configuration, the folder BACKUP_DIR, or `repository` in the data folder, in this order. Throws `usage` where there are several.
 */
export async function chooseDestination(
  io: CliIo,
  options: GlobalOptions,
  loaded: LoadedConfig | null,
  plan: PlanConfig | null,
): Promise<Destination> {
  const given = givenDestination(io, options);
  if (given) return given;
  const name = loaded && (options.destination ?? onlyDestination(loaded, plan));
  if (!name) {
    if (options.destination) throw new HoldfastError('config_missing');
    return atAddress(io, io.environment.BACKUP_DIR || join(homeFolder(io), 'repository'), 'default');
  }
  return configuredDestination(io, loaded, name, options.destination ? '--destination' : 'configuration');
}

/** HOLDFAST_MINIMUM_FREE_BYTES; null when it is not set. Throws `usage` for anything but a whole number. */
function minimumFreeBytesOf({ environment }: CliIo): number | null {
  const text = environment.HOLDFAST_MINIMUM_FREE_BYTES;
  if (!text) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HoldfastError('usage', 'HOLDFAST_MINIMUM_FREE_BYTES is not a number of bytes', {
    next: 'set it to a whole number such as 500000000, or 0 for no minimum',
  });
}

function onlyDestination(loaded: LoadedConfig, plan: PlanConfig | null): string | null {
  const names = plan
    ? destinationsOf(loaded.config, plan).map(({ name }) => name)
    : Object.keys(loaded.config.destinations);
  if (names.length === 1) return names[0]!;
  const all = Object.keys(loaded.config.destinations);
  if (names.length === 0 && all.length === 0) return null;
  throw new HoldfastError('usage', `${loaded.file} has several destinations: ${all.join(', ')}`, {
    next: plan ? 'name one in the plan' : 'name one with --destination NAME',
  });
}

/** A text of the configuration with its `${NAME}` replaced. Throws `config_invalid` naming an unset variable. */
export async function interpolated(
  io: CliIo,
  loaded: LoadedConfig,
  text: string,
  what: string,
  encode = false,
): Promise<string> {
  const { interpolate } = await import('../contracts/interpolate.ts');
  const result = interpolate(text, io.environment, encode);
  if ('value' in result) return result.value;
  throw new HoldfastError(
    'config_invalid',
    `${loaded.file}: ${what} needs the environment variable ${result.missing}, which is not set`,
    { next: `set ${result.missing}` },
  );
}

/** Paths become absolute; addresses with a scheme stay. */
export function absoluteAddress(address: string, folder: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : resolve(folder, address);
}
