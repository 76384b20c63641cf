import { HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader, Content, TreeEntry } from '../port.ts';

/** Entries whose contents are asked for together. */
const GROUP_ENTRIES = 1024;

/** The data of files one after the other. */
export interface DataStream {
  /** The next bytes, at least one and at most `maxBytes`. Throws `restore_mismatch` when there are no more. */
  next(maxBytes: number): Buffer | Promise<Buffer>;
}

/** Entries in tree order, and the data of those that have content in the same order. Take all of one file's before the next entry. */
export interface EntryGroup {
  readonly entries: readonly TreeEntry[];
  readonly data: DataStream;
  /** All data was taken. Throws `restore_mismatch` when there is more. */
  end(): Promise<void>;
  /** Stops reading. Never throws. */
  close(): Promise<void>;
}

async function* oneByOne(reader: ArtifactReader, contents: readonly Content[]): AsyncGenerator<Buffer> {
  for (const content of contents) {
    let left = content.sizeBytes;
    for await (const bytes of reader.read(content)) {
      left -= bytes.length;
      if (left < 0) throw mismatch('more');
      yield bytes;
    }
    if (left > 0) throw mismatch('less');
  }
}

const mismatch = (how: string) =>
  new HoldfastError('restore_mismatch', `the contents hold ${how} bytes than their entries say`);

/** Begins to read at once: while one group is being placed, the first bytes of the next are on their way. */
export function openGroup(reader: ArtifactReader, entries: readonly TreeEntry[]): EntryGroup {
  const contents = entries.flatMap(({ content }) => (content === null ? [] : [content]));
  const pieces = (reader.readJoined?.(contents) ?? oneByOne(reader, contents))[Symbol.asyncIterator]();
  const none: Buffer = Buffer.alloc(0);
  let rest = none;
  const pull = async (): Promise<Buffer | null> => {
    for (;;) {
      const { value, done } = await pieces.next();
      if (done === true) return null;
      if (value.length > 0) return value;
    }
  };
  let first: Promise<Buffer | null> | null = pull();
  // Reported to whoever takes it.
  first.catch(() => {});
  const more = async (): Promise<Buffer | null> => {
    const pulled = first ?? pull();
    first = null;
    return pulled;
  };
  const take = (maxBytes: number): Buffer => {
    const taken = rest.subarray(0, maxBytes);
    rest = taken.length < rest.length ? rest.subarray(taken.length) : none;
    return taken;
  };
  return {
    entries,
    data: {
      next(maxBytes) {
        if (rest.length > 0) return take(maxBytes);
        return more().then((piece) => {
          if (piece === null) throw mismatch('fewer');
          rest = piece;
          return take(maxBytes);
        });
      },
    },
    async end() {
      if (rest.length > 0 || (await more()) !== null) throw mismatch('more');
    },
    async close() {
      await first?.catch(() => {});
      await Promise.resolve(pieces.return?.()).catch(() => {});
    },
  };
}

/** Entries in groups, one group ahead. The caller ends each group, or closes it and stops. */
export async function* inGroups(
  entries: AsyncIterable<TreeEntry>,
  reader: ArtifactReader,
): AsyncGenerator<EntryGroup> {
  let ahead: EntryGroup | null = null;
  let group: TreeEntry[] = [];
  try {
    for await (const entry of entries) {
      group.push(entry);
      if (group.length < GROUP_ENTRIES) continue;
      const next = openGroup(reader, group);
      group = [];
      const current = ahead;
      ahead = next;
      if (current !== null) yield current;
    }
    const last = openGroup(reader, group);
    const current = ahead;
    ahead = last;
    if (current !== null) yield current;
    ahead = null;
    yield last;
  } finally {
    await ahead?.close();
  }
}
