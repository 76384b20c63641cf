import { HoldfastError } from '../base/errors.ts';
import type { ChunkReader } from '../repository/chunk-reader.ts';
import { eachRef, lengthOfRef, REF_BYTES } from '../repository/refs.ts';
import type { Content } from '../sources/port.ts';

type Chunks = Pick<ChunkReader, 'stream' | 'readChunk'>;
type Range = { readonly start: number; readonly end: number };

/** One list of references: those a content holds itself, or the whole ones of one chunk. */
interface RefList {
  read(): Promise<Buffer>;
}

/** The same, and the part of the content it leads to. */
interface PlacedList extends RefList {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads ranges of contents. The references before a range are walked once and not for every range again: a thousand
 * tables of a dump are not a thousand walks from its beginning. Keeps some 200 bytes for every 30 MB of a content.
 * A piece is valid until the next is asked
 * for. Throws what `ChunkReader.read` throws.
 */
export function seekingReader(chunks: Chunks): (content: Content, range: Range) => AsyncIterable<Buffer> {
  const maps = new WeakMap<Content, ContentMap>();
  return (content, range) => {
    const map = maps.get(content) ?? contentMap(chunks, content);
    maps.set(content, map);
    return readRange(chunks, map, range);
  };
}

async function* readRange(chunks: Chunks, map: ContentMap, { start, end }: Range): AsyncGenerator<Buffer> {
  if (end <= start) return;
  await map.reach(end);
  for (let number = listAt(map.lists, start); map.lists[number]!.start < end; number += 1) {
    const list = map.lists[number]!;
    const { content, offset } = within(await list.read(), list.start, { start, end });
    let at = offset;
    for await (const bytes of chunks.stream(content)) {
      const from = Math.max(0, start - at);
      const to = Math.min(bytes.length, end - at);
      at += bytes.length;
      if (to > from) yield bytes.subarray(from, to);
    }
    if (list.end >= end) return;
  }
}

/** The references that overlap a range, as a content of their own, and where in the whole it begins. */
function within(refs: Buffer, listStart: number, { start, end }: Range) {
  const lengthAt = (at: number) => lengthOfRef(refs, at);
  let first = 0;
  let offset = listStart;
  while (first < refs.length && offset + lengthAt(first) <= start) {
    offset += lengthAt(first);
    first += REF_BYTES;
  }
  let last = first;
  let at = offset;
  while (last < refs.length && at < end) {
    at += lengthAt(last);
    last += REF_BYTES;
  }
  const content: Content = { sizeBytes: at - offset, depth: 0, refs: refs.subarray(first, last) };
  return { content, offset };
}

/** The last list that begins at or before an offset. */
function listAt(lists: readonly PlacedList[], offset: number): number {
  let low = 0;
  for (let high = lists.length; low + 1 < high; ) {
    const middle = (low + high) >>> 1;
    if (lists[middle]!.start <= offset) low = middle;
    else high = middle;
  }
  return low;
}

interface ContentMap {
  /** Those known so far. */
  readonly lists: readonly PlacedList[];
  /** Resolves once every list up to an offset is known. Throws `object_damaged` when there is none. */
  reach(offset: number): Promise<void>;
}

function contentMap(chunks: Chunks, content: Content): ContentMap {
  const lists: PlacedList[] = [];
  const found = listsOf(chunks, content);
  let known = 0;
  let turn: Promise<void> = Promise.resolve();
  const learn = async (offset: number) => {
    while (known < offset) {
      const { value: list, done } = await found.next();
      if (done) throw new HoldfastError('object_damaged', `a content ends at ${known}, before ${offset}`);
      const start = known;
      for (const { lengthBytes } of eachRef(await list.read())) known += lengthBytes;
      lists.push({ read: list.read, start, end: known });
    }
  };
  return {
    lists,
    reach(offset) {
      // One after the other, also after one that failed: a generator answers nobody in between.
      turn = turn.catch(() => {}).then(() => learn(offset));
      return turn;
    },
  };
}

async function* listsOf(chunks: Chunks, { refs, depth }: Content): AsyncGenerator<RefList, undefined> {
  let level: AsyncIterable<RefList> | Iterable<RefList> = [{ read: async () => refs }];
  for (let left = depth; left > 0; left -= 1) level = listsBelow(chunks, level);
  yield* level;
}

/** A reference may lie across two chunks: what one begins is kept for the next. */
async function* listsBelow(
  chunks: Chunks,
  level: AsyncIterable<RefList> | Iterable<RefList>,
): AsyncGenerator<RefList> {
  let begun = Buffer.alloc(0);
  for await (const list of level) {
    for (const ref of eachRef(await list.read())) {
      const before = begun;
      // Not a view, which would keep the whole list above.
      const id = Buffer.from(ref.id);
      const joined = async () => Buffer.concat([before, await chunks.readChunk(id)]);
      const bytes = await joined();
      const whole = bytes.length - (bytes.length % REF_BYTES);
      begun = Buffer.from(bytes.subarray(whole));
      yield { read: async () => (await joined()).subarray(0, whole) };
    }
  }
  if (begun.length > 0) throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}
