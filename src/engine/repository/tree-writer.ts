import { HoldfastError } from '../base/errors.ts';
import type { ByteSink, Chunking, Content, TreeEntry, TreeSink } from '../sources/port.ts';
import type { PreviousChunks } from './alignment.ts';
import { encodeTreeEntry } from './tree-codec.ts';

/** What the tree writer needs of a content stream of the chunk writer. */
export interface TreeContentStream extends ByteSink {
  takeContent(): Promise<Content>;
  discard(): void;
  follow(previous: PreviousChunks | null): void;
  flush(): void;
  end(): Promise<{ content: Content; sha256: Buffer }>;
}

export interface TreeStreams {
  openStream(chunking: Chunking): TreeContentStream;
}

export interface TreeWriterOptions {
  /** True when every chunk of a content of the previous backup is there. Answered at once, see `reusableEntries`. */
  readonly canReuse: (content: Content) => boolean;
  /** Told of every content taken over, so that its packs count as used. */
  readonly onReuse?: (content: Content) => void | Promise<void>;
  /** Finds the chunks of a content of the previous backup, to store differences against them. Absent: everything is stored whole. */
  readonly chunksOf?: (content: Content) => PreviousChunks | null | Promise<PreviousChunks | null>;
  /** The record stream of the previous backup. */
  readonly previousRecords?: PreviousChunks | null;
}

export interface TreeResult {
  readonly content: Content;
  /** Of the record stream. */
  readonly sha256: Buffer;
  readonly entries: number;
  /** Bytes of all files, holes included, hard links counted once. */
  readonly sizeBytes: number;
}

export interface TreeWriter extends TreeSink {
  /** Writes what is pending and closes both streams. */
  end(): Promise<TreeResult>;
}

interface Pending {
  readonly entry: TreeEntry;
  /** Null until it resolves; an entry that brought its content along has it from the start. */
  content: Content | null;
  readonly resolved: Promise<unknown> | null;
}

/** Entries that wait for their content before the oldest is waited for. */
const PENDING_MAX = 4096;
const EMPTY: Content = { sizeBytes: 0, depth: 0, refs: Buffer.alloc(0) };

function storedBytes({ extents, sizeBytes }: TreeEntry): number {
  return extents ? extents.reduce((sum, [, length]) => sum + length, 0) : sizeBytes;
}

/**
 * Takes a tree's entries and files and writes them as two streams: the files' data, one content each, and the
 * records. Records are written in the order of the calls although contents resolve later: an entry waits in a bounded queue. When it
 * is full the data stream is flushed, which makes every content taken so far resolve, so it can always drain.
 */
export function openTreeWriter(streams: TreeStreams, options: TreeWriterOptions): TreeWriter {
  const data = streams.openStream({ method: 'content', profile: 'file' });
  const records = streams.openStream({ method: 'content', profile: 'dump' });
  records.follow(options.previousRecords ?? null);
  let isFollowing = false;
  let queue: Pending[] = [];
  let head = 0;
  let entries = 0;
  let sizeBytes = 0;
  let openBytes = -1;
  let failure: unknown = null;

  const record = (entry: TreeEntry): void | Promise<void> => {
    entries += 1;
    if (entry.hardLinkTo === null) sizeBytes += entry.sizeBytes;
    return records.write(encodeTreeEntry(entry));
  };

  /** Writes entries from the head of the queue while their contents are known; waits only while more than `limit` are pending. */
  const drain = async (limit: number): Promise<void> => {
    while (head < queue.length) {
      const { entry, content, resolved } = queue[head]!;
      if (content === null) {
        if (queue.length - head <= limit) break;
        await resolved;
        if (failure !== null) throw failure;
        continue;
      }
      head += 1;
      const written = record({ ...entry, content: content.sizeBytes === 0 ? null : content });
      if (written) await written;
    }
    queue = queue.slice(head);
    head = 0;
  };

  const push = (pending: Pending): void | Promise<void> => {
    queue.push(pending);
    if (queue.length - head < PENDING_MAX) return;
    return (async () => {
      await drain(PENDING_MAX);
      if (queue.length < PENDING_MAX) return;
      data.flush();
      await drain(PENDING_MAX / 2);
    })();
  };

  const follow = (chunks: PreviousChunks | null) => {
    data.follow(chunks);
    isFollowing = chunks !== null;
  };

  const later = (entry: TreeEntry): Pending => {
    const taken = data.takeContent();
    const pending: Pending = {
      entry,
      content: null,
      resolved: taken.then(
        (content) => {
          pending.content = content;
        },
        (error: unknown) => {
          failure ??= error;
        },
      ),
    };
    return pending;
  };

  const place = (entry: TreeEntry): void | Promise<void> =>
    queue.length === 0 ? record(entry) : push({ entry, content: entry.content ?? EMPTY, resolved: null });

  return {
    canReuse: options.canReuse,
    add(entry) {
      const touched = entry.content === null ? undefined : options.onReuse?.(entry.content);
      return touched ? touched.then(() => place(entry)) : place(entry);
    },
    begin(previous) {
      if (openBytes >= 0) throw new HoldfastError('internal', 'a file is begun while another is open');
      openBytes = 0;
      const chunks = previous && options.chunksOf?.(previous);
      if (chunks instanceof Promise) return chunks.then(follow);
      if (chunks || isFollowing) follow(chunks ?? null);
    },
    write(bytes) {
      openBytes += bytes.length;
      return data.write(bytes);
    },
    commit(entry) {
      if (openBytes < 0) throw new HoldfastError('internal', 'a file is committed that was not begun');
      // Such a record would not decode: better no backup than one whose tree cannot be read.
      if (openBytes !== storedBytes(entry))
        throw new HoldfastError('internal', 'a file has another size than its data');
      const empty = openBytes === 0;
      openBytes = -1;
      return push(empty ? { entry, content: EMPTY, resolved: null } : later(entry));
    },
    abort() {
      data.discard();
      openBytes = -1;
    },
    async end() {
      data.flush();
      await drain(0);
      await data.end();
      const { content, sha256 } = await records.end();
      return { content, sha256, entries, sizeBytes };
    },
  };
}
