/** Restoring over something that is there: it is kept, and the exchange is written down. */
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import type { Exchange } from '../sources/files/index.ts';
import {
  compareDumpFacts,
  describeLive,
  emptyDatabase,
  fingerprintDatabase,
  parseDumpFacts,
  parsePostgresAddress,
} from '../sources/postgres/index.ts';
import { type OperationContext, withScratchFolder } from './context.ts';
import type { PlannedStep, RestoreRequest } from './restore-plan.ts';
import { beginPathSwitch, type PathSwitch } from './switches/switch-paths.ts';
import type { SafeRestore, SwitchFacts } from './switches/switch-port.ts';
import { cannotExchange, restoreBeside } from './switches/switch-postgres.ts';
import type { SwitchRecord } from './switches/switch-record.ts';

/** What gave way to a restore, and where it is now. */
export interface KeptPlace {
  /** For people: a path, or an address without its password. */
  readonly target: string;
  /** A path, or the name of a database on the same server. */
  readonly keptAt: string;
}

interface Keeping {
  readonly context: OperationContext;
  readonly request: RestoreRequest;
  readonly kept: KeptPlace[];
}

const keptPlace = ({ target, kept }: SwitchRecord): KeptPlace => ({ target, keptAt: kept });

function factsOf({ context, request }: Keeping, { item }: PlannedStep): SwitchFacts {
  return { backupId: request.backupId, item, nowMs: context.clock.nowMs() };
}

type FileHooks = { readonly temporary?: string; readonly beforeReplace?: () => void };

/** A file that is there keeps a second name. */
export async function keepingFile(
  run: Keeping,
  step: PlannedStep,
  work: (given: FileHooks) => Promise<void>,
): Promise<void> {
  const { safe } = run.request;
  if (!safe || !isFile(step.target)) return work({});
  const one = beginPathSwitch(safe, 'file', step.target, factsOf(run, step));
  await settled(
    run,
    () => one,
    () => work({ temporary: one.beside, beforeReplace: one.keepFile }),
  );
}

type TreeHooks = { readonly exchange?: Exchange; readonly beforeFile?: (name: string) => void };

/** A folder is exchanged as a whole; a single file of a tree like any other file. */
export async function keepingTree<T>(
  run: Keeping,
  step: PlannedStep,
  work: (given: TreeHooks) => Promise<T>,
): Promise<T> {
  const { safe } = run.request;
  if (!safe || !step.replaces) return work({});
  const { target } = step;
  let one: PathSwitch | null = beginPathSwitch(safe, 'folder', target, factsOf(run, step));
  const beforeFile = (name: string) => {
    one?.undo();
    one = null;
    const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() || target.endsWith('/');
    const path = isFolder ? join(target, name) : target;
    if (!isFile(path)) return;
    one = beginPathSwitch(safe, 'file', path, factsOf(run, step));
    one.keepFile();
  };
  return settled(
    run,
    () => one,
    () => work({ exchange: one!.exchange, beforeFile }),
  );
}

async function settled<T>(
  { kept }: Keeping,
  current: () => PathSwitch | null,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    const one = current();
    if (one) kept.push(keptPlace(one.done()));
    return result;
  } catch (error) {
    current()?.undo();
    throw error;
  }
}

const isFile = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true && lstatSync(path) !== undefined;

/** Fills a database beside the live one, compares it with the backup, and exchanges the two. */
export async function fillBeside(
  run: Keeping,
  dump: PlannedStep | null,
  fill: (url: string) => Promise<unknown>,
): Promise<void> {
  const { context, request } = run;
  const safe = request.safe!;
  const { signal } = context;
  const address = parsePostgresAddress(request.target);
  const live = await describeLive(address);
  if (live === null) return void (await fill(request.target));
  if (live.obstacle !== null) {
    if (!safe.inPlace) throw cannotExchange(address, live.obstacle);
    return inPlace(run, safe, () => fill(request.target));
  }
  const record = await restoreBeside({
    ...{ address, live, safe, signal },
    facts: { backupId: request.backupId, item: request.item, nowMs: context.clock.nowMs() },
    async fill(url) {
      await fill(url);
      if (dump) await requireEqual(context, dump, url);
    },
  });
  run.kept.push(keptPlace(record));
}

async function inPlace(
  { context, request }: Keeping,
  safe: SafeRestore,
  fill: () => Promise<unknown>,
): Promise<void> {
  if (!safe.safetyBackupId) {
    throw new HoldfastError('usage', '--in-place needs the safety backup: there is no other way back');
  }
  context.progress.phase('empty', {});
  await emptyDatabase(parsePostgresAddress(request.target));
  try {
    await fill();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new HoldfastError(error.code, `${error.message} (the database was emptied and is not whole)`, {
      cause: error,
      next: `restore the safety backup ${safe.safetyBackupId} with --in-place`,
    });
  }
}

/** Bit for bit, table by table, where both servers write values alike. Throws `restore_mismatch`. */
async function requireEqual(
  context: OperationContext,
  { selected }: PlannedStep,
  url: string,
): Promise<void> {
  const wanted = parseDumpFacts(selected.artifact.facts);
  if (wanted === null || selected.inside !== null) return;
  const { signal, progress } = context;
  progress.phase('compare', {});
  const found = await withScratchFolder(context, (scratchFolder) =>
    fingerprintDatabase({ url, scratchFolder, signal }),
  );
  if (majorOf(found.serverVersion) !== majorOf(wanted.serverVersion)) {
    progress.warn('rows were counted and not compared bit for bit: the backup is of another major version');
    return;
  }
  const differences = compareDumpFacts(wanted, found);
  if (differences.length === 0) return;
  const text = differences.slice(0, 5).map(({ what, reason }) => `${what}: ${reason}`);
  throw new HoldfastError('restore_mismatch', `the restored database differs: ${text.join(', ')}`);
}

const majorOf = (version: string) => Number.parseInt(version, 10);
