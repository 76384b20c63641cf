import { HoldfastError } from '../../base/errors.ts';
import type { TreeEntry, TreeFacts, TreeSink } from '../port.ts';
import { emitter } from './emit-entries.ts';
import { linkTable } from './link-table.ts';
import { previousCursor } from './previous-cursor.ts';
import { newTally } from './tally.ts';
import { type ReadJob, SLOT_BYTES } from './threads.ts';
import { ACTION, type PreparedBatch, type TreeRun } from './tree-run.ts';
import { deviceOf, entryOf, linksOf, looksSparse, sizeOf, type WalkBatch } from './walk-batch.ts';

/** Batches decided ahead of the one being written, so that their files are read meanwhile. */
const BATCHES_AHEAD = 2;
const FILES_PER_JOB = 128;

/** True when nothing says that a file was touched since the previous backup. */
export function isUnchanged(entry: TreeEntry, previous: TreeEntry): boolean {
  return (
    previous.type === 'file' &&
    previous.hardLinkTo === null &&
    previous.sizeBytes === entry.sizeBytes &&
    previous.modifiedAtNs === entry.modifiedAtNs &&
    previous.changedAtNs === entry.changedAtNs &&
    previous.inode === entry.inode
  );
}

function decide(
  batch: WalkBatch,
  i: number,
  entry: TreeEntry,
  previous: TreeEntry | null,
  sink: TreeSink,
): number {
  if (entry.type !== 'file' || entry.sizeBytes === 0) return ACTION.add;
  if (previous !== null && isUnchanged(entry, previous)) {
    if (previous.content === null || sink.canReuse(previous.content)) return ACTION.reuse;
  }
  return sizeOf(batch, i) > SLOT_BYTES || looksSparse(batch, i) ? ACTION.readLarge : ACTION.readSmall;
}

/** Walks one root into the sink, merging with the previous backup's entries. */
export async function produceTree(
  run: TreeRun,
  sink: TreeSink,
  previous: AsyncIterable<TreeEntry> | null,
): Promise<TreeFacts> {
  const { root, threads, owners, context } = run;
  const tally = newTally();
  const walk = threads.walk({
    root: root.folder,
    only: root.single?.name ?? null,
    excludes: run.excludes,
    oneFileSystem: run.oneFileSystem,
  });
  const cursor = previousCursor(previous);
  const links = linkTable();
  const emit = emitter({ run, sink, tally, links });

  const prepare = async (batch: WalkBatch): Promise<PreparedBatch> => {
    const text = Buffer.from(batch.text);
    const entries: TreeEntry[] = [];
    const matches: (TreeEntry | null)[] = [];
    const files = new Int32Array(batch.entries).fill(-1);
    const actions = new Uint8Array(batch.entries);
    const jobs: ReadJob[] = [];
    let indices: number[] = [];
    let jobBytes = 0;
    const startJob = () => {
      if (indices.length > 0) jobs.push(threads.read(root.folder, batch, indices));
      indices = [];
      jobBytes = 0;
    };
    for (let i = 0; i < batch.entries; i += 1) {
      let entry = entryOf(batch, i, text, owners.name);
      if (root.single) entry = { ...entry, path: root.single.as };
      const found = cursor.find(entry.path);
      const match = found instanceof Promise ? await found : found;
      entries.push(entry);
      matches.push(match);
      if (hasLinks(batch, i, entry)) {
        const { number, isFirst } = links.announce(deviceOf(batch, i), entry.inode, linksOf(batch, i));
        files[i] = number;
        // Only its first name is read; the further ones wait for how that ends.
        if (!isFirst) {
          actions[i] = ACTION.link;
          continue;
        }
      }
      const action = decide(batch, i, entry, match, sink);
      actions[i] = action;
      if (action !== ACTION.readSmall) continue;
      if (jobBytes + entry.sizeBytes > SLOT_BYTES || indices.length === FILES_PER_JOB) startJob();
      indices.push(i);
      jobBytes += entry.sizeBytes;
    }
    startJob();
    return { batch, text, entries, previous: matches, files, actions, jobs };
  };

  try {
    const prepared: PreparedBatch[] = [];
    for (let walked = false; ; ) {
      if (context.signal.aborted)
        throw new HoldfastError('interrupted', `the backup of ${root.given} was interrupted`);
      while (!walked && prepared.length < BATCHES_AHEAD) {
        const batch = await walk.next();
        if (batch === null) walked = true;
        else prepared.push(await prepare(batch));
      }
      const batch = prepared.shift();
      if (batch === undefined) break;
      await emit(batch);
    }
    return tally.facts(root.given, walk.result());
  } finally {
    await cursor.close();
  }
}

/** True for a file with several names. */
function hasLinks(batch: WalkBatch, i: number, { type }: TreeEntry): boolean {
  return type === 'file' && linksOf(batch, i) > 1;
}
