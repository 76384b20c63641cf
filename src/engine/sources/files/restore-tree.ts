import { HoldfastError } from '../../base/errors.ts';
import { type Progress, silentProgress } from '../../base/progress.ts';
import type { ArtifactReader, Content, TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { closeFolder, type FolderHandle } from './handles.ts';
import { type MetadataPolicy, resolveOwners } from './metadata.ts';
import { type OwnerNames, readOwnerNames } from './owners.ts';
import { directPlacing, type Placing, threadPlacing } from './placing.ts';
import { type DataStream, type EntryGroup, inGroups, openGroup } from './read-ahead.ts';
import { isSelected, planRestore, type RestoreLimits, type RestorePlan } from './restore-plan.ts';
import type { Placement } from './restore-records.ts';
import { type Exchange, openFileTarget, openRestoreTarget } from './restore-target.ts';
import type { PlacerOptions } from './tree-placer.ts';

export interface RestoreTreeOptions {
  readonly reader: ArtifactReader;
  /** The tree artifact's content. */
  readonly content: Content;
  /**
   * A folder, which must be missing or empty unless `replace`. When one file is restored: the folder to put it in,
   * or the file's own new path.
   */
  readonly target: string;
  /** One file or folder of the tree; a folder's own contents become the target's. Everything when left out. */
  readonly select?: Buffer | string;
  /** `keep` needs root and is the default for root; `skip` also drops setuid and setgid. */
  readonly owners?: 'keep' | 'skip';
  /** Make block and character devices; only as root. Otherwise they are skipped and named. */
  readonly devices?: boolean;
  /** Confirmed: what is at the target gives way. A folder is kept aside, a single file is replaced. */
  readonly replace?: boolean;
  /** For a folder that is replaced. */
  readonly exchange?: Exchange;
  /** Called with the name that a single file gets in a folder, before anything is written. */
  readonly beforeFile?: (name: string) => void;
  readonly limits?: RestoreLimits;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** For tests. */
  readonly ownerNames?: OwnerNames;
  /** For tests: place in a thread of its own, or not, whatever the size. */
  readonly useThread?: boolean;
}

export interface RestoreReport {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardLinks: number;
  readonly special: number;
  /** Bytes of all files, holes included. */
  readonly bytes: number;
  /** What was left out on purpose, escaped for people. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  /** Where the folder that was replaced is kept now; null when nothing was replaced. */
  readonly previousKeptAt: string | null;
}

interface Run {
  readonly options: RestoreTreeOptions;
  readonly plan: RestorePlan;
  readonly policy: MetadataPolicy;
  readonly placing: Placing;
  /** By number of the link target, 1 when it is placed. */
  readonly placed: Uint8Array;
  /** Where those from outside the selection were placed: paths beneath the root (latin1). */
  readonly placedOutside: Map<number, string>;
  readonly report: { -readonly [K in keyof RestoreReport]: RestoreReport[K] } & {
    skipped: { path: string; reason: string }[];
  };
}

/** From here on a thread that makes the files while this one decodes is worth its start. */
const THREAD_ENTRIES = 256;
const THREAD_BYTES = 8 << 20;
const isLarge = ({ entries, bytes }: RestorePlan) => entries >= THREAD_ENTRIES || bytes >= THREAD_BYTES;

const SKIPPED_NAMED = 1000;
const isRoot = () => process.geteuid?.() === 0;

function policyOf(options: RestoreTreeOptions): MetadataPolicy {
  const keepOwners = (options.owners ?? (isRoot() ? 'keep' : 'skip')) === 'keep';
  return { keepOwners, owners: options.ownerNames ?? readOwnerNames() };
}

function skip({ report }: Run, entry: TreeEntry, reason: string): void {
  if (report.skipped.length < SKIPPED_NAMED) report.skipped.push({ path: escapePath(entry.path), reason });
}

function placementOf(run: Run, entry: TreeEntry, path: string, linkTo: string | null): Placement {
  const { linkTargets } = run.plan;
  const isLinkTarget =
    entry.type === 'file' && linkTo === null && linkTargets.count > 0 && linkTargets.find(entry.path) >= 0;
  return { entry: resolveOwners(entry, run.policy), path, linkTo, isLinkTarget };
}

/** A file's data, told and interruptible as it passes. */
async function placeData({ options, placing }: Run, data: DataStream, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0; ) {
    const next = data.next(left);
    const bytes = next instanceof Promise ? await next : next;
    if (options.signal?.aborted) throw new HoldfastError('interrupted', 'the restore was interrupted');
    const written = placing.write(bytes);
    if (written) await written;
    left -= bytes.length;
    options.progress?.advance({ bytes: bytes.length });
  }
}

async function placeContent(run: Run, placement: Placement, data: DataStream): Promise<void> {
  const { entry } = placement;
  const dataBytes = entry.content?.sizeBytes ?? 0;
  const begun = run.placing.begin(placement);
  if (begun) await begun;
  await placeData(run, data, dataBytes);
  const ended = run.placing.end();
  if (ended) await ended;
  run.report.files += 1;
  run.report.bytes += entry.sizeBytes;
  if (entry.sizeBytes > dataBytes) run.options.progress?.advance({ bytes: entry.sizeBytes - dataBytes });
}

/** The first of several names is the file; or, when that is outside of what is restored, the first name that is inside. */
async function placeHardLink(run: Run, entry: TreeEntry, path: string): Promise<void> {
  const { plan, placed, placedOutside } = run;
  const target = plan.linkTargets.find(entry.hardLinkTo!);
  if (placed[target] === 1) {
    const first = placedOutside.get(target) ?? entry.hardLinkTo!.toString('latin1', plan.prefixBytes);
    await run.placing.begin(placementOf(run, entry, path, first));
    run.report.hardLinks += 1;
    run.report.files += 1;
    return;
  }
  const outside = plan.outside.get(target);
  if (outside?.type !== 'file')
    throw new HoldfastError(
      'path_unsafe',
      `${escapePath(entry.path)} is a hard link to no file of this tree`,
    );
  const source = { ...outside, path: entry.path };
  const group = openGroup(run.options.reader, [source]);
  try {
    await placeContent(run, { ...placementOf(run, source, path, null), isLinkTarget: true }, group.data);
    await group.end();
  } finally {
    await group.close();
  }
  placed[target] = 1;
  placedOutside.set(target, path);
}

/** False for what is left out on purpose. */
function isRestored(run: Run, entry: TreeEntry): boolean {
  const { type } = entry;
  if (type === 'fifo' || (type !== 'socket' && run.options.devices === true && isRoot())) return true;
  const ofSocket = 'sockets are made by the program that listens';
  skip(run, entry, type === 'socket' ? ofSocket : 'devices are restored only as root and on request');
  return false;
}

function placeEntry(run: Run, entry: TreeEntry, path: string, data: DataStream): void | Promise<void> {
  const { report } = run;
  if (entry.type === 'file') {
    if (entry.hardLinkTo !== null) return placeHardLink(run, entry, path);
    const placement = placementOf(run, entry, path, null);
    if (placement.isLinkTarget) run.placed[run.plan.linkTargets.find(entry.path)] = 1;
    return placeContent(run, placement, data);
  }
  if (entry.type === 'folder') report.folders += 1;
  else if (entry.type === 'symlink') report.symlinks += 1;
  else if (isRestored(run, entry)) report.special += 1;
  else return;
  return run.placing.begin(placementOf(run, entry, path, null));
}

async function* selected(entries: AsyncIterable<TreeEntry>, select: Buffer): AsyncGenerator<TreeEntry> {
  let found = false;
  for await (const entry of entries) {
    const inside = isSelected(entry.path, select);
    if (inside) yield entry;
    // The selection is one stretch of the tree.
    else if (found) return;
    found ||= inside;
  }
}

async function placeGroup(
  run: Run,
  { entries, data, end }: EntryGroup,
  pathOf: (entry: TreeEntry) => string,
) {
  for (const entry of entries) {
    if (run.options.signal?.aborted) throw new HoldfastError('interrupted', 'the restore was interrupted');
    const placed = placeEntry(run, entry, pathOf(entry), data);
    if (placed) await placed;
    run.options.progress?.advance({ entries: 1 });
  }
  await end();
}

async function placeAll(
  run: Run,
  entries: AsyncIterable<TreeEntry>,
  pathOf: (entry: TreeEntry) => string,
): Promise<void> {
  try {
    for await (const group of inGroups(entries, run.options.reader)) {
      try {
        await placeGroup(run, group, pathOf);
      } finally {
        await group.close();
      }
    }
    await run.placing.finish();
  } catch (error) {
    await run.placing.abandon();
    throw error;
  }
}

async function* justOne(entry: TreeEntry): AsyncGenerator<TreeEntry> {
  yield entry;
}

/**
 * Restores a tree, or one file or folder of it. The tree is read and checked once before anything is written.
 * Files appear under their final names only when they are whole, with mode 0600 until their own mode is applied;
 * nothing outside the target is written whatever the tree says and whatever another process puts into the target
 * meanwhile (fully so on Linux; see `handles.ts`). Sockets, and devices unless asked for, are skipped and named in the report.
 *
 * Throws `target_not_empty`, `target_failed`, `target_busy`, `path_unsafe`, `limit_exceeded`, `item_unknown`,
 * `restore_mismatch`, `interrupted`, and what the reader throws. After a failure a target that was an empty folder may be
 * partly filled; one that was missing, or to be replaced, is as it was.
 */
export async function restoreTree(options: RestoreTreeOptions): Promise<RestoreReport> {
  const { reader, content, target, progress = silentProgress } = options;
  const select = Buffer.from(options.select ?? '');
  const plan = await planRestore(() => reader.entries(content), select, options.limits ?? {});
  progress.phase('restore', { bytes: plan.bytes, entries: plan.entries });
  const policy = policyOf(options);
  const report: Run['report'] = {
    files: 0,
    folders: 0,
    symlinks: 0,
    hardLinks: 0,
    special: 0,
    bytes: 0,
    skipped: [],
    previousKeptAt: null,
  };
  const replace = options.replace ?? false;
  const start = (root: FolderHandle, given: Pick<PlacerOptions, 'isSingle' | 'replace' | 'isApart'>): Run => {
    const useThread = options.useThread ?? isLarge(plan);
    const placing = (useThread ? threadPlacing : directPlacing)({ root, policy, ...given });
    const placed = new Uint8Array(plan.linkTargets.count);
    return { options, plan, policy, placing, placed, placedOutside: new Map(), report };
  };

  if (plan.single) {
    const own = plan.single.path.toString('latin1');
    const place = openFileTarget(target, own.slice(own.lastIndexOf('/') + 1));
    try {
      options.beforeFile?.(Buffer.from(place.name, 'latin1').toString());
      const run = start(place.folder, { isSingle: true, replace, isApart: false });
      await placeAll(run, justOne(plan.single), () => place.name);
    } finally {
      closeFolder(place.folder);
    }
    return report;
  }
  const place = openRestoreTarget(target, replace, options.exchange);
  try {
    const run = start(place.folder, { isSingle: false, replace: false, isApart: place.isApart });
    const entries = selected(reader.entries(content), select);
    await placeAll(run, entries, ({ path }) => path.toString('latin1', plan.prefixBytes));
    report.previousKeptAt = place.commit();
  } catch (error) {
    place.discard();
    throw error;
  } finally {
    place.close();
  }
  return report;
}
