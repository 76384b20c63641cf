import type { TreeEntry, TreeSink } from '../port.ts';
import { trustedChangeTime } from './file-times.ts';
import { giveUp } from './give-up.ts';
import type { LinkTable } from './link-table.ts';
import { largeReader } from './read-large.ts';
import type { Tally } from './tally.ts';
import type { ReadJob } from './threads.ts';
import { ACTION, type PreparedBatch, type TreeRun } from './tree-run.ts';
import { dataOf, deviceOf, entryOf, inodeOf, pathText, putStat, READ, readStateOf } from './walk-batch.ts';

export interface EmitOptions {
  readonly run: TreeRun;
  readonly sink: TreeSink;
  readonly tally: Tally;
  readonly links: LinkTable;
}

/** Gives back a function that writes one prepared batch into the sink, in order. */
export function emitter({
  run,
  sink,
  tally,
  links,
}: EmitOptions): (prepared: PreparedBatch) => Promise<void> {
  const { owners, root, context } = run;
  /** Of the batch under way, told as it was read. */
  let toldBytes = 0;
  const large = largeReader(sink, context.signal, (bytes) => {
    toldBytes += bytes;
    context.progress.advance({ bytes });
  });

  const count = (entry: TreeEntry, file: number) => {
    tally.types[entry.type] += 1;
    tally.bytes += entry.sizeBytes;
    if (file >= 0) links.store(file, entry.path);
  };

  /** The entry as its file was while it was read. */
  const current = (prepared: PreparedBatch, i: number): TreeEntry => {
    const entry = entryOf(prepared.batch, i, prepared.text, owners.name);
    const changedAtNs = trustedChangeTime(entry.changedAtNs);
    return { ...entry, path: prepared.entries[i]!.path, changedAtNs };
  };

  const unreadable = async (prepared: PreparedBatch, i: number, state: number) => {
    const standIn = giveUp({ run, sink, tally, prepared, i, state });
    if (standIn === null) return;
    count(standIn, prepared.files[i]!);
    await sink.add(standIn);
  };

  const streamed = async (prepared: PreparedBatch, i: number) => {
    const { batch } = prepared;
    const path = pathText(batch, i);
    const seen = { dev: deviceOf(batch, i), ino: inodeOf(batch, i) };
    const result = await large.read(root.folder, path, seen, contentBefore(prepared, i));
    if (result.state !== READ.done) return unreadable(prepared, i, result.state);
    putStat(batch, i, result.stat!);
    const entry = { ...current(prepared, i), extents: result.extents };
    count(entry, prepared.files[i]!);
    await sink.commit(entry);
  };

  const fromSlot = async (prepared: PreparedBatch, i: number, job: ReadJob) => {
    const state = readStateOf(prepared.batch, i);
    if (state === READ.large) return streamed(prepared, i);
    if (state !== READ.done) return unreadable(prepared, i, state);
    const { at, sizeBytes } = dataOf(prepared.batch, i);
    const entry = current(prepared, i);
    count(entry, prepared.files[i]!);
    const begun = sink.begin(contentBefore(prepared, i));
    if (begun) await begun;
    const written = sink.write(job.bytes().subarray(at, at + sizeBytes));
    if (written) await written;
    const committed = sink.commit(entry);
    if (committed) await committed;
  };

  const add = (prepared: PreparedBatch, i: number, unchanged: TreeEntry | null) => {
    const entry = prepared.entries[i]!;
    count(entry, prepared.files[i]!);
    if (unchanged === null) return sink.add(entry);
    tally.unchanged += 1;
    return sink.add(takeOver(entry, unchanged));
  };

  const link = (prepared: PreparedBatch, i: number) => {
    const hardLinkTo = links.pathOf(prepared.files[i]!);
    // The first name could not be read: perhaps this one can.
    if (hardLinkTo === null)
      return prepared.entries[i]!.sizeBytes === 0 ? add(prepared, i, null) : streamed(prepared, i);
    tally.types.file += 1;
    tally.hardLinks += 1;
    return sink.add({ ...prepared.entries[i]!, hardLinkTo });
  };

  const readSmall = async (prepared: PreparedBatch, i: number, jobs: ReadJob[]) => {
    const job = jobs[0]!;
    if (job.indices[0] === i) await job.done;
    tally.opened += 1;
    await fromSlot(prepared, i, job);
    if (job.indices.at(-1) !== i) return;
    job.release();
    jobs.shift();
  };

  const one = (prepared: PreparedBatch, i: number, jobs: ReadJob[]): void | Promise<void> => {
    switch (prepared.actions[i]) {
      case ACTION.readSmall:
        return readSmall(prepared, i, jobs);
      case ACTION.readLarge:
        tally.opened += 1;
        return streamed(prepared, i);
      case ACTION.link:
        return link(prepared, i);
      case ACTION.reuse:
        return add(prepared, i, prepared.previous[i]!);
      default:
        return add(prepared, i, null);
    }
  };

  return async (prepared) => {
    const bytesBefore = tally.bytes;
    toldBytes = 0;
    const jobs = [...prepared.jobs];
    for (let i = 0; i < prepared.entries.length; i += 1) {
      const done = one(prepared, i, jobs);
      if (done) await done;
      if (prepared.files[i]! >= 0) links.done(prepared.files[i]!);
    }
    const bytes = Math.max(0, tally.bytes - bytesBefore - toldBytes);
    context.progress.advance({ entries: prepared.entries.length, bytes });
  };
}

/** The same entry with the content it had: nobody else holds it, and a copy for every file would only be garbage. */
function takeOver(entry: TreeEntry, { content, extents }: TreeEntry): TreeEntry {
  const own = entry as { -readonly [K in keyof TreeEntry]: TreeEntry[K] };
  own.content = content;
  own.extents = extents;
  return entry;
}

/** What the backup before holds of the same file. */
function contentBefore(prepared: PreparedBatch, i: number) {
  return prepared.previous[i]?.content ?? null;
}
