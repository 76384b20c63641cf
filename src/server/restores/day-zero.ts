/**
 * Restores into a fresh server, before it has an owner: from an uploaded bundle, which is first read whole into a private
 * repository so that every byte was checked before anything is placed, or from a repository elsewhere. Keys and logins live
 * in this process only, so a restart begins anew. What is there already is never destroyed: it gives way to what was restored beside
 * it, and is kept, as with every other restore (docs/decisions/0019-safe-restores.md). What is missing or empty is filled as it is.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  asHoldfastError,
  codeOf,
  type Engine,
  HoldfastError,
  newId,
  type OpenEngineOptions,
  openEngine,
  type Progress,
  silentProgress,
} from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { type TakenOver, takeOverCatalog } from './take-over-catalog.ts';
import { viewProgress } from './view-progress.ts';

export type DayZeroState = 'opening' | 'opened' | 'restoring' | 'restored' | 'failed';

export interface DayZero {
  readonly id: string;
  state: DayZeroState;
  phase: string | null;
  bytesDone: number;
  bytesTotal: number | null;
  backup: Awaited<ReturnType<Engine['show']>> | null;
  restored: { item: string; target: string; sizeBytes: number }[];
  /** What was there before, and where it is now. */
  kept: KeptPlace[];
  takenOver: TakenOver | null;
  warnings: string[];
  error: { code: string; message: string; next: string } | null;
}

type KeptPlace = Awaited<ReturnType<Engine['restore']>>['kept'][number];

export type Place = Omit<
  OpenEngineOptions,
  'progress' | 'signal' | 'signingKeyFile' | 'stateFolder' | 'create'
>;

export interface DayZeroTargets {
  readonly targets: readonly { readonly item: string | null; readonly to: string }[];
  /** The artifact that is a catalog; null to take none over. */
  readonly catalog: string | null;
}

export interface DayZeroRestores {
  openBundle(file: string, keyText: string): DayZero;
  openPlace(place: Place, backupId: string): DayZero;
  /** What a place holds, newest first. Throws what opening it throws. */
  list(place: Place): ReturnType<Engine['list']>;
  /** Throws `item_unknown` for an unknown id, `not_confirmed` while it is not open. */
  apply(id: string, targets: DayZeroTargets): DayZero;
  get(id: string): DayZero;
  /** Stops what runs, closes, and removes what was staged. */
  close(): Promise<void>;
}

interface Running {
  readonly view: DayZero;
  readonly ending: AbortController;
  engine: Engine | null;
  work: Promise<void>;
}

export interface DayZeroSettings {
  /** The data folder. */
  readonly home: string;
  /** False: what is there already stays, and is named (`target_not_empty`). */
  readonly mayReplace: boolean;
  /** Brings what the destinations of the catalog hold into it, and says which could not be read and why. */
  readonly readDestinations: (
    signal: AbortSignal,
  ) => Promise<readonly { readonly destination: string; readonly failure: string | null }[]>;
}

/** Somebody waits for it, and it can be asked for again later. */
const READING_MS = 120_000;

export function dayZeroRestores(catalog: Catalog, settings: DayZeroSettings): DayZeroRestores {
  const { home, mayReplace, readDestinations } = settings;
  const root = join(home, 'setup');
  const all = new Map<string, Running>();
  const hostParts = { signingKeyFile: join(home, 'signing-key.pem'), stateFolder: join(home, 'state') };

  /** One at a time: a new one ends those before. */
  const begin = (open: (running: Running, progress: Progress) => Promise<string>): DayZero => {
    const others = [...all.values()];
    all.clear();
    const view: DayZero = { ...EMPTY, id: newId(), restored: [], kept: [], warnings: [] };
    const running: Running = { view, ending: new AbortController(), engine: null, work: Promise.resolve() };
    all.set(view.id, running);
    running.work = attempt(running, async () => {
      for (const other of others) await end(other);
      const backupId = await open(running, viewProgress(view, warnIn(view)));
      view.backup = await running.engine!.show(backupId);
      view.state = 'opened';
    });
    return view;
  };
  const get = (id: string): Running => {
    const found = all.get(id);
    if (found) return found;
    throw new HoldfastError('item_unknown', `there is no restore ${id}`, { next: 'open the backup first' });
  };
  return {
    openBundle: (file, keyText) =>
      begin(async (running, progress) => {
        await mkdir(root, { recursive: true, mode: 0o700 });
        const folder = await mkdtemp(join(root, 'bundle-'));
        running.engine = await openEngine({
          ...{ ...hostParts, address: folder, layout: 'repository', keyTexts: [keyText] },
          ...{ progress, signal: running.ending.signal, create: 'if-missing' },
        });
        const { backupId } = await running.engine.importBundle(file);
        return backupId;
      }),
    openPlace: (place, backupId) =>
      begin(async (running, progress) => {
        running.engine = await openEngine({
          ...place,
          ...hostParts,
          progress,
          signal: running.ending.signal,
        });
        return backupId;
      }),
    async list(place) {
      const engine = await openEngine({
        ...place,
        ...hostParts,
        progress: silentProgress,
        signal: AbortSignal.timeout(120_000),
      });
      try {
        return await engine.list({ plan: null, tenantId: null, archived: false });
      } finally {
        await engine.close();
      }
    },
    apply(id, wanted) {
      const running = get(id);
      const { view } = running;
      if (view.state !== 'opened' && view.state !== 'restored') {
        throw new HoldfastError('not_confirmed', `the restore is ${view.state}`, {
          next: 'wait until it is opened',
        });
      }
      view.state = 'restoring';
      running.work = attempt(running, () =>
        place(running, wanted, { catalog, root, mayReplace, readDestinations, ...hostParts }),
      );
      return view;
    },
    get: (id) => get(id).view,
    async close() {
      for (const running of all.values()) await end(running);
      all.clear();
      await rm(root, { recursive: true, force: true });
    },
  };
}

const EMPTY = {
  ...{ state: 'opening' as DayZeroState, phase: null, bytesDone: 0, bytesTotal: null },
  ...{ backup: null, takenOver: null, error: null },
};

async function place(
  running: Running,
  { targets, catalog: artifact }: DayZeroTargets,
  host: Omit<DayZeroSettings, 'home'> & {
    readonly catalog: Catalog;
    readonly root: string;
    readonly stateFolder: string;
  },
): Promise<void> {
  const { view, engine, ending } = running;
  const { catalog, root } = host;
  const backupId = view.backup!.id;
  for (const { item, to } of targets) {
    ending.signal.throwIfAborted();
    const outcome = await restoreTo(engine!, { backupId, item, target: to }, host);
    view.restored.push(...outcome.restored.map((one) => ({ ...one })));
    for (const { target, keptAt } of outcome.kept) {
      view.kept.push({ target, keptAt });
      warnIn(view)(`${target} was there before: it is kept at ${keptAt} until somebody drops it`);
    }
    view.warnings.push(...outcome.warnings);
  }
  if (artifact !== null) {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(root, 'catalog-'));
    try {
      const file = join(folder, 'catalog.db');
      await engine!.restore({ backupId, item: artifact, target: file, replace: true });
      view.takenOver = await takeOverCatalog(file, catalog);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    await readTakenOver(running, host.readDestinations);
  }
  view.state = 'restored';
}

/** The server then knows every backup from the start. What cannot be read now keeps nobody from going on. */
async function readTakenOver(
  { view, ending }: Running,
  readDestinations: DayZeroSettings['readDestinations'],
): Promise<void> {
  const warn = warnIn(view);
  try {
    const read = await readDestinations(AbortSignal.any([ending.signal, AbortSignal.timeout(READING_MS)]));
    for (const { destination, failure } of read) {
      if (failure !== null) warn(`destination ${destination} could not be read: ${failure}`);
    }
  } catch (error) {
    if (ending.signal.aborted) throw error;
    warn(`the destinations could not be read: ${asHoldfastError(error).message}`);
  }
}

type Wanted = Pick<Parameters<Engine['restore']>[0], 'backupId' | 'item' | 'target'>;

async function restoreTo(
  engine: Engine,
  wanted: Wanted,
  { mayReplace, stateFolder }: { readonly mayReplace: boolean; readonly stateFolder: string },
): ReturnType<Engine['restore']> {
  if (mayReplace) {
    const exchanging = { ...wanted, replace: true, safe: { stateFolder } };
    const { steps } = await engine.planRestore(exchanging);
    if (steps.some(({ replaces }) => replaces)) return engine.restore(exchanging);
  }
  return engine.restore({ ...wanted, replace: false }).catch((error: unknown) => {
    if (mayReplace || codeOf(error) !== 'target_not_empty') throw error;
    throw new HoldfastError('target_not_empty', (error as Error).message, {
      next: 'choose an empty place; in production, replacing one needs a server started with CONFIRM_RESTORE_IN_PROD=true',
    });
  });
}

async function attempt({ view }: Running, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message, next } = asHoldfastError(error);
    view.state = 'failed';
    view.error = { code, message, next };
  }
}

async function end({ ending, work, engine }: Running): Promise<void> {
  ending.abort(new HoldfastError('interrupted', 'another restore began'));
  await work;
  await engine?.close();
}

const warnIn = (view: DayZero) => (message: string) => {
  if (view.warnings.length < 200) view.warnings.push(message);
};
