import { HoldfastError } from '../base/errors.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Content } from '../sources/port.ts';
import type { Storage } from '../storage/port.ts';
import { type BlockLoader, blockLoader, type Wanted } from './block-loader.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { type DecodeAhead, type Decoding, decodeAhead } from './decode-ahead.ts';
import { type DecodeStage, decodeStages } from './decode-stages.ts';
import { eachRef, REF_BYTES, type Ref } from './refs.ts';

export interface ChunkReader {
  /**
   * Bytes of a content, or [start, end) of them, every chunk checked against its id before it is given out. Throws
   * `chunk_missing`, `object_missing`, `object_damaged` naming pack and block, `key_wrong`, `limit_exceeded`.
   */
  read(content: Content, range?: Range): AsyncIterable<Buffer>;
  /** The same, in memory that is used again: each piece is valid only until the next is asked for. */
  stream(content: Content, range?: Range): AsyncIterable<Buffer>;
  /** What a content consists of, in order. Throws as `read`. */
  refs(content: Content): AsyncIterable<Ref>;
  /** One chunk. Throws as `read`. */
  readChunk(id: Buffer): Promise<Buffer>;
  /** See `BlockLoader`. */
  readonly readRecord: BlockLoader['readRecord'];
  readonly dictionaryOf: BlockLoader['dictionaryOf'];
  /** Drops what is cached, and ends its threads. */
  close(): void;
}

/** So much is to be read before threads that decode are worth their start. */
const THREADS_FROM_BYTES = 24 * 2 ** 20;
/** And so much of one content, to be handed to a thread and back. */
const IN_THREADS_FROM_BYTES = 8 * 2 ** 20;
/** Decoded blocks of one stage. */
const STAGE_BYTES = 6 * 2 ** 20;
const STAGE_REFS = 1024;
const MAX_DEPTH = 4;

type Refs = AsyncIterable<Ref> | Iterable<Ref>;

export function openChunkReader(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
  /** Threads that decode what `stream` gives of long contents; `close` ends them. Default: none. */
  readonly threads?: number;
  /** For tests: how much is read before they start. */
  readonly threadsFromBytes?: number;
}): ChunkReader {
  const { index, threads = 0, threadsFromBytes = THREADS_FROM_BYTES } = input;
  const inThreadsFromBytes = Math.min(threadsFromBytes, IN_THREADS_FROM_BYTES);
  const loader = blockLoader(input);
  let ahead: DecodeAhead | null = null;
  let askedBytes = 0;
  const aheadFor = (content: Content): DecodeAhead | null => {
    askedBytes += content.sizeBytes;
    const isLong = askedBytes >= threadsFromBytes && content.sizeBytes >= inThreadsFromBytes;
    if (threads === 0 || !isLong) return null;
    ahead ??= decodeAhead(input, threads);
    return ahead;
  };
  return {
    read: (content, range) => readContent(loader, content, range, false),
    stream(content, range) {
      const decoder = range === undefined ? aheadFor(content) : null;
      if (decoder === null) return readContent(loader, content, range, true);
      const stages = decodeStages(index, loader.locate, refLists(loader, content), decoder.size);
      return inWhole(content, readAhead(loader, decoder, stages));
    },
    refs: (content) => dataRefs(loader, content),
    readChunk: loader.readChunk,
    readRecord: loader.readRecord,
    dictionaryOf: loader.dictionaryOf,
    close() {
      ahead?.close();
      loader.clear();
    },
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function readContent(loader: BlockLoader, content: Content, range: Range | undefined, borrowed: boolean) {
  return range === undefined
    ? readWhole(loader, content, borrowed)
    : readRange(loader, content, range, borrowed);
}

const readWhole = (loader: BlockLoader, content: Content, borrowed: boolean) =>
  inWhole(content, readRefs(loader, dataRefs(loader, content), borrowed));

/** Throws `object_damaged` unless there are as many bytes as the content says. */
async function* inWhole(content: Content, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const bytes of pieces) {
    sizeBytes += bytes.length;
    if (sizeBytes > content.sizeBytes) break;
    yield bytes;
  }
  if (sizeBytes === content.sizeBytes) return;
  throw new HoldfastError(
    'object_damaged',
    `a content of ${content.sizeBytes} bytes refers to ${sizeBytes} bytes`,
  );
}

async function* readRange(
  loader: BlockLoader,
  content: Content,
  { start, end }: Range,
  borrowed: boolean,
): AsyncGenerator<Buffer> {
  let position = 0;
  async function* inRange(): AsyncGenerator<Ref> {
    let at = 0;
    for await (const ref of dataRefs(loader, content)) {
      if (at >= end) return;
      const from = at;
      at += ref.lengthBytes;
      if (at <= start) position = at;
      else if (from < end) yield ref;
    }
    if (at < end) throw new HoldfastError('object_damaged', `a content ends at ${at}, before ${end}`);
  }
  for await (const bytes of readRefs(loader, inRange(), borrowed)) {
    const from = Math.max(0, start - position);
    const to = Math.min(bytes.length, end - position);
    position += bytes.length;
    if (to > from) yield bytes.subarray(from, to);
  }
}

/** References of a content's lowest level. */
async function* dataRefs(loader: BlockLoader, content: Content): AsyncGenerator<Ref> {
  for await (const list of refLists(loader, content)) yield* eachRef(list);
}

/** The same in lists of whole ones: one by one they cost several promises each. */
async function* refLists(loader: BlockLoader, { refs, depth }: Content): AsyncGenerator<Buffer> {
  if (depth > MAX_DEPTH) throw new HoldfastError('limit_exceeded', `a content has depth ${depth}`);
  if (depth === 0) {
    yield refs;
    return;
  }
  let level: Refs = eachRef(refs);
  for (let above = depth; above > 1; above -= 1) level = refsIn(readRefs(loader, level));
  yield* wholeRefs(readRefs(loader, level));
}

/** Bytes of all refs in order. While one stage is given out, the next is on its way. */
async function* readRefs(loader: BlockLoader, refs: Refs, borrowed = false): AsyncGenerator<Buffer> {
  let now: Stage | null = null;
  try {
    for await (const wanted of stages(loader, refs)) {
      const next = { wanted, release: loader.load(wanted.map(({ place }) => place)) };
      const before: Stage | null = now;
      now = next;
      if (before) yield* give(loader, before, borrowed);
    }
    if (now) yield* give(loader, now, borrowed);
  } finally {
    now?.release();
  }
}

/**
 * The same, decoded in threads. What a thread did not prove is read once more here: it comes out right, or with an error
 * that says what is wrong.
 */
async function* readAhead(
  loader: BlockLoader,
  ahead: DecodeAhead,
  stages: AsyncIterable<DecodeStage>,
): AsyncGenerator<Buffer> {
  const underWay: { readonly stage: DecodeStage; readonly decoding: Decoding }[] = [];
  const giveFirst = async function* () {
    const { stage, decoding } = underWay[0]!;
    const bytes = await decoding.bytes;
    if (bytes) yield bytes;
    else
      yield* give(loader, { ...stage, release: loader.load(stage.wanted.map(({ place }) => place)) }, true);
    underWay.shift();
    decoding.release();
  };
  try {
    for await (const stage of stages) {
      underWay.push({ stage, decoding: ahead.begin(stage) });
      if (!ahead.hasRoom) yield* giveFirst();
    }
    while (underWay.length > 0) yield* giveFirst();
  } finally {
    for (const { decoding } of underWay) decoding.release();
  }
}

interface Stage {
  readonly wanted: readonly Wanted[];
  release(): void;
}

async function* give(loader: BlockLoader, stage: Stage, borrowed: boolean): AsyncGenerator<Buffer> {
  try {
    for (const wanted of stage.wanted) yield await loader.chunk(wanted, borrowed);
  } finally {
    stage.release();
  }
}

/** Groups refs, so that the blocks of many are fetched together. Two stages fit into the cache. */
async function* stages(loader: BlockLoader, refs: Refs): AsyncGenerator<Wanted[]> {
  let stage: Wanted[] = [];
  let blocks = new Set<number>();
  let bytes = 0;
  for await (const ref of refs) {
    const wanted = loader.locate(ref);
    stage.push(wanted);
    for (const { blockNumber, blockPlainBytes } of loader.missing(wanted.place)) {
      if (!blocks.has(blockNumber)) bytes += blockPlainBytes;
      blocks.add(blockNumber);
    }
    if (bytes < STAGE_BYTES && stage.length < STAGE_REFS) continue;
    yield stage;
    stage = [];
    blocks = new Set();
    bytes = 0;
  }
  if (stage.length > 0) yield stage;
}

/** References in a stream of bytes. */
async function* refsIn(bytes: AsyncIterable<Buffer>): AsyncGenerator<Ref> {
  for await (const list of wholeRefs(bytes)) yield* eachRef(list);
}

/** One may lie across two pieces. */
async function* wholeRefs(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    const joined = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = joined.length - (joined.length % REF_BYTES);
    yield joined.subarray(0, whole);
    rest = joined.subarray(whole);
  }
  if (rest.length > 0) throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}
