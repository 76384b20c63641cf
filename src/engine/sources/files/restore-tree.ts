import { HoldfastError, systemCode } from '../../base/errors.ts';
import { type Progress, silentProgress } from '../../base/progress.ts';
import type { ArtifactReader, Content, TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { closeFolder, type FolderHandle } from './handles.ts';
import type { MetadataPolicy } from './metadata.ts';
import { type OwnerNames, readOwnerNames } from './owners.ts';
import { type EntryWithData, withData } from './read-ahead.ts';
import { type EntryWriter, entryWriter, type PlacedFile } from './restore-entries.ts';
import { type FolderStack, folderStack } from './restore-folders.ts';
import { isSelected, planRestore, type RestoreLimits, type RestorePlan } from './restore-plan.ts';
import { openFileTarget, openRestoreTarget } from './restore-target.ts';

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
  readonly limits?: RestoreLimits;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** For tests. */
  readonly ownerNames?: OwnerNames;
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
  readonly writer: EntryWriter;
  readonly root: FolderHandle;
  /** Link targets placed so far, by their path in the tree (latin1): where beneath the root, and what they are. */
  readonly placed: Map<string, { path: string; file: PlacedFile }>;
  readonly report: { -readonly [K in keyof RestoreReport]: RestoreReport[K] } & {
    skipped: { path: string; reason: string }[];
  };
}

const SKIPPED_NAMED = 1000;
const isRoot = () => process.geteuid?.() === 0;

function policyOf(options: RestoreTreeOptions): MetadataPolicy {
  const keepOwners = (options.owners ?? (isRoot() ? 'keep' : 'skip')) === 'keep';
  return { keepOwners, owners: options.ownerNames ?? readOwnerNames() };
}

function skip({ report }: Run, entry: TreeEntry, reason: string): void {
  if (report.skipped.length < SKIPPED_NAMED) report.skipped.push({ path: escapePath(entry.path), reason });
}

/** A large file's data, told and interruptible as it passes. */
async function* watched(
  { reader, progress, signal }: RestoreTreeOptions,
  content: Content,
  watch: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const part of reader.read(content)) {
    if (signal?.aborted) throw new HoldfastError('interrupted', 'the restore was interrupted');
    progress?.advance({ bytes: part.length });
    watch.bytes += part.length;
    yield part;
  }
}

async function restoreFile(
  run: Run,
  parent: FolderHandle,
  path: string,
  { entry, data }: EntryWithData,
): Promise<void> {
  const { writer, plan, options, report } = run;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const key = (entry.hardLinkTo ?? entry.path).toString('latin1');
  const first = run.placed.get(key);
  if (entry.hardLinkTo !== null && first !== undefined) {
    writer.hardLink(run.root, first.path, first.file, parent, name);
    report.hardLinks += 1;
    report.files += 1;
    return;
  }
  let source = entry;
  if (entry.hardLinkTo !== null) {
    const outside = plan.linkTargets.get(key);
    if (outside?.type !== 'file')
      throw new HoldfastError(
        'path_unsafe',
        `${escapePath(entry.path)} is a hard link to no file of this tree`,
      );
    source = { ...outside, path: entry.path };
  }
  const watch = { bytes: 0 };
  const large = () => (source.content ? watched(options, source.content, watch) : Buffer.alloc(0));
  const file = await writer.file(parent, name, source, data ? await data : large());
  if (plan.linkTargets.has(key)) run.placed.set(key, { path, file });
  report.files += 1;
  report.bytes += source.sizeBytes;
  options.progress?.advance({ bytes: source.sizeBytes - watch.bytes });
}

function restoreSpecial(run: Run, parent: FolderHandle, name: string, entry: TreeEntry): void {
  const { type } = entry;
  const allowed = type === 'fifo' || (type !== 'socket' && run.options.devices === true && isRoot());
  if (!allowed) {
    const ofSocket = 'sockets are made by the program that listens';
    skip(run, entry, type === 'socket' ? ofSocket : 'devices are restored only as root and on request');
    return;
  }
  run.writer.special(parent, name, entry);
  run.report.special += 1;
}

async function restoreEntry(
  run: Run,
  folders: FolderStack,
  path: string,
  item: EntryWithData,
): Promise<void> {
  const { entry } = item;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (entry.type === 'folder') {
    if (path !== '') folders.enter(path, entry);
    run.report.folders += 1;
    return;
  }
  const parent = folders.parentOf(path);
  if (entry.type === 'file') return restoreFile(run, parent, path, item);
  if (entry.type !== 'symlink') return restoreSpecial(run, parent, name, entry);
  run.writer.symlink(parent, name, entry);
  run.report.symlinks += 1;
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

/** System errors become errors about the target; ours and the repository's pass. */
function explain(entry: TreeEntry, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof HoldfastError || code === null) return error;
  const path = escapePath(entry.path);
  if (code === 'ELOOP' || code === 'ENOTDIR') {
    return new HoldfastError('path_unsafe', `${path}: something else took the place of a folder`, {
      cause: error,
    });
  }
  return new HoldfastError('target_failed', `${path} could not be written: ${code}`, { cause: error });
}

async function restoreFolder(run: Run, select: Buffer, policy: MetadataPolicy): Promise<void> {
  const { options, plan, root } = run;
  const entries = selected(options.reader.entries(options.content), select);
  let folders: FolderStack | null = null;
  let last: TreeEntry | null = null;
  try {
    for await (const item of withData(entries, options.reader)) {
      if (options.signal?.aborted) throw new HoldfastError('interrupted', 'the restore was interrupted');
      const { entry } = item;
      last = entry;
      folders ??= folderStack(root, { ...entry, path: Buffer.alloc(0) }, policy);
      await restoreEntry(run, folders, entry.path.toString('latin1', plan.prefixBytes), item);
      options.progress?.advance({ entries: 1 });
    }
    folders?.finish();
  } catch (error) {
    folders?.abandon();
    throw last ? explain(last, error) : error;
  }
}

async function restoreSingle(run: Run, single: TreeEntry, name: string): Promise<void> {
  try {
    if (single.type === 'file') await restoreFile(run, run.root, name, { entry: single, data: null });
    else if (single.type !== 'symlink') restoreSpecial(run, run.root, name, single);
    else {
      run.writer.symlink(run.root, name, single);
      run.report.symlinks += 1;
    }
    run.options.progress?.advance({ entries: 1 });
  } catch (error) {
    throw explain(single, error);
  }
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
  const report = {
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
  const start = (root: FolderHandle, writer: EntryWriter): Run => ({
    options,
    plan,
    writer,
    root,
    placed: new Map(),
    report,
  });

  if (plan.single) {
    const own = plan.single.path.toString('latin1');
    const place = openFileTarget(target, own.slice(own.lastIndexOf('/') + 1));
    const run = start(place.folder, entryWriter(policy, replace));
    try {
      await restoreSingle(run, plan.single, place.name);
    } finally {
      closeFolder(place.folder);
    }
    return run.report;
  }
  const place = openRestoreTarget(target, replace);
  const run = start(place.folder, entryWriter(policy, false));
  try {
    await restoreFolder(run, select, policy);
    run.report.previousKeptAt = place.commit();
  } catch (error) {
    place.discard();
    throw error;
  } finally {
    place.close();
  }
  return run.report;
}
