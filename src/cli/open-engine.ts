import { join } from 'node:path';
import type { PlanConfig } from '../contracts/config.ts';
import { asHoldfastError, codeOf, HoldfastError, hasOwnStep } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import type { Engine, EngineModule, OpenEngineOptions, OpenedBundle } from './engine-door.ts';
import { generatedKeyFile, type KeyTexts, readKeyTexts, writeKeyFile } from './key-texts.ts';
import { kmsSettings } from './kms-settings.ts';
import { mask } from './mask.ts';
import { type ProgressView, progressView } from './progress/progress-view.ts';
import { chooseDestination, type Destination, homeFolder, loadConfig } from './settings.ts';
import { storageSettings } from './storage-settings.ts';

export interface OpenOptions {
  /** Make the repository of the data folder when nothing was configured and there is none. */
  readonly createDefault?: boolean;
}

/** Opens the destination of this run, does the work with it and closes it, whatever happens. */
export async function withEngine<T>(
  cli: Cli,
  plan: PlanConfig | null,
  work: (engine: Engine) => Promise<T>,
  options: OpenOptions = {},
): Promise<T> {
  const destination = await destinationOf(cli, plan);
  const keys = await readKeyTexts(cli, destination);
  const mayCreate = options.createDefault === true && destination.chosenBy === 'default';
  return withProgress(cli, async (progress) => {
    const engine = await open(cli, destination, keys, progress).catch(async (error: unknown) => {
      if (codeOf(error) !== 'repository_missing' || !mayCreate) throw explained(error, destination);
      return create(cli, destination, keys, progress, 'if-missing');
    });
    try {
      for (const warning of engine.warnings) progress.warn(mask(warning));
      return await work(engine);
    } catch (error) {
      throw atDestination(error, engine.address);
    } finally {
      await engine.close();
    }
  });
}

/** With an address given, a configuration is not even read: it may be broken when a recovery is urgent. */
async function destinationOf(cli: Cli, plan: PlanConfig | null): Promise<Destination> {
  const isGiven = cli.options.repository || cli.io.environment.HOLDFAST_REPOSITORY;
  const loaded = isGiven ? null : await loadConfig(cli.io, cli.options);
  return chooseDestination(cli.io, cli.options, loaded, plan);
}

export interface CreatedRepository {
  readonly repositoryId: string;
  readonly address: string;
  /** Where a generated key was written; null when a key was given. */
  readonly keyFile: string | null;
  /** False when it was there already, and this run's key opens it. */
  readonly created?: false;
}

/**
 * Makes a repository, at `destination` or where this run goes. `like` is an open one that it is to hold copies of. Throws
 * `repository_exists` when there is one, unless `ifMissing`: then it is opened, which may throw `key_wrong` and what else that throws.
 */
export async function createRepository(
  cli: Cli,
  given: {
    readonly destination?: Destination;
    readonly like?: Engine;
    readonly ifMissing?: boolean;
  } = {},
): Promise<CreatedRepository> {
  const destination = given.destination ?? (await destinationOf(cli, null));
  const keys = await readKeyTexts(cli, destination);
  return withProgress(cli, async (progress) => {
    const there = given.ifMissing ? await openIfThere(cli, destination, keys, progress) : null;
    if (there !== null) {
      await there.close();
      return {
        ...{ repositoryId: there.repositoryId, address: destination.address },
        ...{ keyFile: null, created: false },
      };
    }
    const engine = await create(cli, destination, keys, progress, 'always', given.like);
    const { repositoryId } = engine;
    await engine.close();
    const usesGenerated = destination.keys?.current === undefined && !isKeyNamed(cli);
    return {
      repositoryId,
      address: destination.address,
      keyFile: usesGenerated ? generatedKeyFile(cli) : null,
    };
  });
}

async function openIfThere(
  cli: Cli,
  destination: Destination,
  keys: KeyTexts,
  progress: ProgressView,
): Promise<Engine | null> {
  return open(cli, destination, keys, progress).catch((error: unknown) => {
    if (codeOf(error) === 'repository_missing') return null;
    throw error;
  });
}

/** Where repository and key are, and that the key must be copied. */
export function describeCreation({ repositoryId, address, keyFile, created }: CreatedRepository): string {
  if (created === false) {
    return `repository: ${address} (there already, ${repositoryId})\nkey:        opens it\n`;
  }
  const key =
    keyFile === null
      ? 'key:        the one that was given; keep a copy of it away from this machine\n'
      : `key:        ${keyFile}\n            copy it to a safe place away from this machine: without it no backup can be read\n`;
  return `repository: ${address} (new, encrypted, ${repositoryId})\n${key}`;
}

/** Opens a bundle with the keys of the environment: neither a repository nor a configuration is needed. */
export async function openBundleWithKeys(
  cli: Cli,
  file: string,
  folder: string,
  options: { readonly acceptsUnencrypted?: boolean } = {},
): Promise<OpenedBundle> {
  const keyTexts = listed(await readKeyTexts(cli, { keys: null, folder: cli.io.folder }));
  const { openBundle } = await loadEngine(cli);
  return withProgress(cli, (progress) =>
    aboutFile(file, openBundle({ file, folder, keyTexts, ...options, progress, signal: cli.signal }), folder),
  );
}

/** Names the file in what is found wrong inside of it, and the folder in what cannot be written there. */
export async function aboutFile<T>(file: string, work: Promise<T>, folder: string | null = null): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const place = ABOUT_CONTENT.has(error.code) ? file : error.code === 'target_failed' ? folder : null;
    if (place === null || error.message.includes(place)) throw error;
    throw new HoldfastError(error.code, `${place}: ${error.message}`, { cause: error, next: error.next });
  }
}

const ABOUT_CONTENT: ReadonlySet<string> = new Set([
  'bundle_malformed',
  'bundle_newer',
  'bundle_not_encrypted',
  'key_wrong',
  'limit_exceeded',
  'path_unsafe',
]);

/** Says why a passphrase is weak, if it is. */
export async function warnIfWeak(cli: Cli, keyText: string): Promise<void> {
  const why = (await loadEngine(cli)).isWeakPassphrase(keyText);
  if (why === null) return;
  cli.note(`warning: the passphrase is weak: ${why}; holdfast key generate makes a strong key`);
}

export async function loadEngine(cli: Cli): Promise<EngineModule> {
  return cli.io.loadEngine();
}

async function open(
  cli: Cli,
  destination: Destination,
  keys: KeyTexts,
  progress: ProgressView,
): Promise<Engine> {
  const { openEngine } = await loadEngine(cli);
  return openEngine(await engineOptions(cli, destination, listed(keys), progress));
}

/** With the key that was given, else with a generated one that is written first: no repository without its key. */
async function create(
  cli: Cli,
  destination: Destination,
  keys: KeyTexts,
  progress: ProgressView,
  mode: 'if-missing' | 'always',
  like?: Engine,
): Promise<Engine> {
  const { openEngine, generateKeyText } = await loadEngine(cli);
  let current = keys.current;
  if (current === null) {
    current = generateKeyText();
    await writeKeyFile(generatedKeyFile(cli), current);
  } else {
    await warnIfWeak(cli, current);
  }
  const engine = await openEngine({
    ...(await engineOptions(cli, destination, [current, ...keys.old], progress)),
    create: mode,
    ...(like ? { like } : {}),
  });
  if (mode === 'if-missing') {
    const keyFile = isKeyNamed(cli) ? null : generatedKeyFile(cli);
    const { repositoryId } = engine;
    cli.note(describeCreation({ repositoryId, address: destination.address, keyFile }).trimEnd());
  }
  return engine;
}

async function engineOptions(
  cli: Cli,
  destination: Destination,
  keyTexts: readonly string[],
  progress: ProgressView,
) {
  return { ...(await closedEngineOptions(cli, destination, keyTexts)), progress, signal: cli.signal };
}

/** What opens a destination, but for progress and signal. */
export async function closedEngineOptions(
  cli: Cli,
  destination: Destination,
  keyTexts: readonly string[],
): Promise<Omit<OpenEngineOptions, 'progress' | 'signal'>> {
  const home = homeFolder(cli.io);
  return {
    address: destination.address,
    storage: await storageSettings(cli, destination),
    kms: await kmsSettings(cli),
    layout: destination.layout,
    ...(destination.encryption ? { encryption: destination.encryption } : {}),
    keyTexts,
    signingKeyFile: join(home, 'signing-key.pem'),
    stateFolder: join(home, 'state'),
    ...(destination.differences === null ? {} : { differences: destination.differences }),
    ...(destination.minimumFreeBytes === null ? {} : { minimumFreeBytes: destination.minimumFreeBytes }),
  };
}

/** The keys of a destination as the engine takes them. */
export async function keyTextsOf(cli: Cli, destination: Destination): Promise<readonly string[]> {
  return listed(await readKeyTexts(cli, destination));
}

const listed = ({ current, old }: KeyTexts) => (current === null ? [...old] : [current, ...old]);

function isKeyNamed(cli: Cli): boolean {
  const { BACKUP_ENCRYPTION_KEY, BACKUP_ENCRYPTION_KEY_FILE } = cli.io.environment;
  return Boolean(BACKUP_ENCRYPTION_KEY || BACKUP_ENCRYPTION_KEY_FILE);
}

/** Says what to do about a repository that is not there. */
function explained(error: unknown, destination: Destination): unknown {
  if (codeOf(error) !== 'repository_missing' || hasOwnStep(error)) return error;
  const next =
    destination.chosenBy === 'default'
      ? 'run holdfast backup or holdfast init, or name another one with --repository'
      : `run holdfast init, or check ${destination.chosenBy === 'configuration' ? 'the configuration' : destination.chosenBy}`;
  return new HoldfastError('repository_missing', asHoldfastError(error).message, { cause: error, next });
}

/** What a destination complains of names the object; which destination it is must not be guessed. */
function atDestination(error: unknown, address: string): unknown {
  if (!(error instanceof HoldfastError) || !error.code.startsWith('storage_')) return error;
  if (error.message.includes(address)) return error;
  return new HoldfastError(error.code, `${address}: ${error.message}`, { cause: error, next: error.next });
}

/** Shows progress on standard error while the work is done. */
export async function withProgress<T>(cli: Cli, work: (progress: ProgressView) => Promise<T>): Promise<T> {
  const progress = progressView({
    write: (text) => cli.io.stderr(mask(text)),
    nowMs: cli.io.nowMs,
    columns: cli.io.columns,
  });
  let succeeded = false;
  try {
    const result = await work(progress);
    succeeded = true;
    return result;
  } finally {
    progress.end(succeeded);
  }
}
