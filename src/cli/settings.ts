import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config, DestinationConfig, PlanConfig } from '../contracts/config.ts';
import type { ConfigProblem } from '../contracts/config-file.ts';
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
  readonly address: string;
  readonly layout: 'repository' | 'bundles';
  readonly keys: DestinationConfig['keys'] | null;
  readonly chosenBy: '--repository' | 'HOLDFAST_REPOSITORY' | 'configuration' | 'default';
  /** Keys named by file in the configuration are relative to this. */
  readonly folder: string;
  /** Below this a backup is skipped; null for the engine's default. */
  readonly minimumFreeBytes: number | null;
}

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

/** Null when there is no configuration. Throws `config_missing`, `config_invalid` with every problem and its line. */
export async function loadConfig(io: CliIo, options: GlobalOptions): Promise<LoadedConfig | null> {
  const file = configPath(io, options);
  if (file === null) return null;
  const text = await readConfig(file);
  const { parseConfig } = await import('../contracts/config-file.ts');
  const result = parseConfig(text);
  if ('problems' in result) throw invalidConfig(file, result.problems);
  return { file, folder: dirname(file), config: result.config };
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
    ({ line, field, message }) =>
      `${file}${line === null ? '' : ` line ${line}`}: ${field === '' ? '' : `${field}: `}${message}`,
  );
  return new HoldfastError('config_invalid', lines.join('\n'));
}

/**
 * Where backups go: --repository, HOLDFAST_REPOSITORY, the plan's destination, the only destination of the
 * configuration, or `repository` in the data folder, in this order.
 */
export async function chooseDestination(
  io: CliIo,
  options: GlobalOptions,
  loaded: LoadedConfig | null,
  plan: PlanConfig | null,
): Promise<Destination> {
  const minimumFreeBytes = minimumFreeBytesOf(io);
  const given = (address: string, chosenBy: Destination['chosenBy']): Destination => ({
    address: absoluteAddress(address, io.folder),
    layout: 'repository',
    keys: null,
    chosenBy,
    folder: io.folder,
    minimumFreeBytes,
  });
  if (options.repository) return given(options.repository, '--repository');
  if (io.environment.HOLDFAST_REPOSITORY)
    return given(io.environment.HOLDFAST_REPOSITORY, 'HOLDFAST_REPOSITORY');
  const fromConfig = loaded && configuredDestination(loaded, plan);
  if (!fromConfig) return given(join(homeFolder(io), 'repository'), 'default');
  const address = await interpolated(io, loaded, fromConfig.address, 'the address of the destination');
  return {
    address: absoluteAddress(address, loaded.folder),
    layout: fromConfig.layout,
    keys: fromConfig.keys ?? null,
    chosenBy: 'configuration',
    folder: loaded.folder,
    minimumFreeBytes: minimumFreeBytes ?? fromConfig.minimumFreeBytes ?? null,
  };
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

function configuredDestination(loaded: LoadedConfig, plan: PlanConfig | null): DestinationConfig | null {
  const { destinations } = loaded.config;
  if (plan?.destination) return destinations[plan.destination]!;
  const names = Object.keys(destinations);
  if (names.length <= 1) return names.length === 1 ? destinations[names[0]!]! : null;
  throw new HoldfastError('usage', `${loaded.file} has several destinations: ${names.join(', ')}`, {
    next: plan ? 'name one in the plan' : 'name one with --repository ADDRESS',
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
