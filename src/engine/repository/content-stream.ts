import type { StageClock } from '../base/stage-times.ts';
import type { ByteSink, Content } from '../sources/port.ts';
import type { PreviousChunks } from './alignment.ts';
import type { Chunker } from './chunker.ts';
import { SLOT_BYTES } from './slot-pool.ts';

export interface ContentStream extends ByteSink {
  /** A border, then the content of everything since the last `takeContent` or `discard`. Does not flush. */
  takeContent(): Promise<Content>;
  /** A border; everything since the last `takeContent` is forgotten. */
  discard(): void;
  /** A border; what comes next is expected to be like this content of an earlier backup. */
  follow(previous: PreviousChunks | null): void;
  /** Hands over what is buffered, so that what was taken resolves. */
  flush(): void;
  /** Content since the last `takeContent`, and the SHA-256 of all bytes ever written (empty when not wanted). */
  end(): Promise<{ content: Content; sha256: Buffer }>;
}

/**
 * A slot is handed over once so much is in it and a chunk has ended: it is as long as the longest chunk only so that
 * such a chunk finds room, and memory that is never touched costs nothing.
 */
const HAND_OVER_BYTES = 2 ** 20;

/** What happens once all chunks before it have ids. */
export interface Mark {
  readonly afterChunks: number;
  apply(): void;
}

/** A slot full of whole chunks on its way to the workers. */
export interface Batch {
  readonly slot: number;
  /** Where each chunk ends; the first begins at 0. */
  readonly ends: readonly number[];
  readonly marks: readonly Mark[];
}

/** What a stream needs of the writer around it. */
export interface StreamPort {
  view(slot: number): Buffer;
  readonly clock: StageClock;
  acquire(): number | Promise<number>;
  release(slot: number): void;
  /** Takes a batch; batches of a stream are applied in order. */
  dispatch(batch: Batch): void;
  /** Applies at once when the stream has nothing under way, else after the last batch given. */
  markLast(apply: () => void): void;
  /** Throws when the run has failed. */
  check(): void;
  /** Resolves with what the mark yields. Rejects when the run fails. */
  promise<T>(start: (resolve: (value: T | PromiseLike<T>) => void) => void): Promise<T>;
  closeSegment(): Content | Promise<Content>;
  dropSegment(): void;
  follow(previous: PreviousChunks | null): void;
  digest(): Promise<Buffer>;
}

const nextFullAt = (fill: number) =>
  Math.min(SLOT_BYTES, (Math.floor(fill / HAND_OVER_BYTES) + 1) * HAND_OVER_BYTES);

/** Copies what comes into slots, cuts it and hands full slots over. The unfinished chunk moves to the next slot. */
export function contentStream(port: StreamPort, chunker: Chunker): ContentStream {
  let slot = -1;
  let view: Buffer = Buffer.alloc(0);
  let fill = 0;
  let chunkStart = 0;
  let ends: number[] = [];
  let marks: Mark[] = [];
  /** Where the unfinished chunk waits for its next slot, and how much of it is there. */
  let tail = Buffer.alloc(0);
  let tailBytes = 0;
  let fullAt = HAND_OVER_BYTES;

  const take = (given: number) => {
    slot = given;
    view = port.view(given);
    fill = tail.copy(view, 0, 0, tailBytes);
    tailBytes = 0;
    fullAt = nextFullAt(fill);
  };
  const scan = () => port.clock.measure('cut', scanNow);
  const scanNow = () => {
    for (;;) {
      const end = chunker.next(view, chunkStart, fill);
      if (end < 0) return;
      ends.push(end);
      chunkStart = end;
    }
  };
  const keepTail = (bytes: Buffer) => {
    if (tail.length < bytes.length) tail = Buffer.allocUnsafeSlow(Math.max(bytes.length, 2 * tail.length));
    tailBytes = bytes.copy(tail);
  };
  /** Hands the whole chunks over and keeps the rest for the next slot. */
  const handOver = () => {
    if (slot < 0) return;
    keepTail(view.subarray(chunkStart, fill));
    if (ends.length > 0) port.dispatch({ slot, ends, marks });
    else {
      port.release(slot);
      for (const { apply } of marks) port.markLast(apply);
    }
    slot = -1;
    fill = 0;
    chunkStart = 0;
    ends = [];
    marks = [];
  };
  const cut = () => {
    if (slot < 0 && tailBytes > 0) throw new Error('a border inside a chunk that has no slot');
    if (slot < 0 || fill === chunkStart) return;
    scan();
    if (chunkStart < fill) ends.push(fill);
    chunkStart = fill;
    chunker.restart();
  };
  const mark = (apply: () => void) => {
    if (slot >= 0 && ends.length > 0) marks.push({ afterChunks: ends.length, apply });
    else port.markLast(apply);
  };
  const nextSlot = async () => {
    const given = port.acquire();
    if (typeof given === 'number') return take(given);
    const begun = performance.now();
    take(await given);
    port.clock.add('wait', performance.now() - begun);
  };
  const writeSlowly = async (bytes: Uint8Array): Promise<void> => {
    let at = 0;
    while (at < bytes.length) {
      port.check();
      if (slot < 0) await nextSlot();
      const length = Math.min(bytes.length - at, fullAt - fill);
      view.set(bytes.subarray(at, at + length), fill);
      fill += length;
      at += length;
      if (fill < fullAt) continue;
      scan();
      if (ends.length === 0) {
        fullAt = nextFullAt(fill);
        continue;
      }
      handOver();
      // A chunk in the making always has a slot, so that a border can be set at any time.
      if (tailBytes > 0) await nextSlot();
    }
  };
  const flush = () => {
    cut();
    handOver();
  };
  const takeContent = () => {
    cut();
    return port.promise<Content>((resolve) => mark(() => resolve(port.closeSegment())));
  };
  return {
    write(bytes) {
      if (slot < 0 || fill + bytes.length >= fullAt) return writeSlowly(bytes);
      view.set(bytes, fill);
      fill += bytes.length;
    },
    cut,
    takeContent,
    discard() {
      cut();
      mark(port.dropSegment);
    },
    follow(previous) {
      cut();
      mark(() => port.follow(previous));
    },
    flush,
    async end() {
      const content = takeContent();
      // Awaited below; should handing over fail first, its own rejection must not count as unhandled.
      content.catch(() => {});
      flush();
      const [whole, sha256] = await Promise.all([content, port.digest()]);
      return { content: whole, sha256 };
    },
  };
}
