import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import type { Content } from '../sources/port.ts';
import { eachRef, REF_BYTES, type Ref } from './refs.ts';
import type { WalkMemo } from './walk-memo.ts';

/** The part of a chunk reader that walking needs. Every chunk it gives is checked against its id. */
export interface ChunkSource {
  readChunk(id: Buffer): Promise<Buffer>;
  /** References to the data of a content, in order. */
  refs(content: Content): AsyncIterable<Pick<Ref, 'id' | 'lengthBytes'>>;
}

/** Meets a chunk that a content refers to: a data chunk or one that holds references. */
export type OnChunk = (id: Buffer, lengthBytes: number) => void;

interface Walk {
  readonly source: ChunkSource;
  readonly onChunk: OnChunk;
  readonly memo: WalkMemo | null;
  /** By depth: the reference that the last list left unfinished. */
  readonly rests: Buffer[];
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Meets every chunk of a content, references of every depth included, in memory that does not grow with it; with a `memo`, not those
 * of lists it knows. Throws what reading a nested list throws, and `object_damaged` when lengths do not add up.
 */
export async function walkContent(
  source: ChunkSource,
  content: Content,
  onChunk: OnChunk,
  memo: WalkMemo | null = null,
): Promise<void> {
  if (content.depth === 0) return walkFlat(content, onChunk);
  const walk: Walk = { source, onChunk, memo, rests: new Array<Buffer>(content.depth).fill(NOTHING) };
  const sizeBytes = await walkLists(walk, content.refs, content.depth);
  if (walk.rests.some((rest) => rest.length > 0)) {
    throw new HoldfastError('object_damaged', 'a list of references ends inside one');
  }
  requireSize(content, sizeBytes);
}

/** `walkContent` for one without lists, at once. */
export function walkFlat(content: Content, onChunk: OnChunk): void {
  requireSize(content, walkData(onChunk, content.refs));
}

function requireSize(content: Content, sizeBytes: number): void {
  if (sizeBytes === content.sizeBytes) return;
  throw new HoldfastError(
    'object_damaged',
    `a content of ${content.sizeBytes} bytes refers to ${sizeBytes} bytes`,
  );
}

/** Gives the bytes that references to data come to. */
function walkData(onChunk: OnChunk, refs: Buffer): number {
  let sizeBytes = 0;
  for (const { id, lengthBytes } of eachRef(refs)) {
    onChunk(id, lengthBytes);
    sizeBytes += lengthBytes;
  }
  return sizeBytes;
}

async function walkLists(walk: Walk, refs: Buffer, depth: number): Promise<number> {
  let sizeBytes = 0;
  for (const { id, lengthBytes } of eachRef(refs)) {
    walk.onChunk(id, lengthBytes);
    sizeBytes += await walkList(walk, id, lengthBytes, depth);
  }
  return sizeBytes;
}

/** A reference may lie across two lists: the whole ones are followed, the rest waits for the next list. */
async function walkList(walk: Walk, id: Buffer, lengthBytes: number, depth: number): Promise<number> {
  const { source, memo, rests } = walk;
  const before = rests.slice(0, depth);
  const known = memo?.find(id, depth, before);
  if (known) {
    rests.splice(0, depth, ...known.state);
    return known.sizeBytes;
  }
  const flawsBefore = memo?.flaws() ?? 0;
  const list = await source.readChunk(id);
  if (list.length !== lengthBytes) {
    throw new HoldfastError('object_damaged', `chunk ${id.toString('hex')} has another length than stated`);
  }
  const rest = rests[depth - 1]!;
  const joined = rest.length === 0 ? list : Buffer.concat([rest, list]);
  const whole = joined.length - (joined.length % REF_BYTES);
  rests[depth - 1] = joined.subarray(whole);
  const refs = joined.subarray(0, whole);
  const sizeBytes = depth === 1 ? walkData(walk.onChunk, refs) : await walkLists(walk, refs, depth - 1);
  memo?.keep(id, depth, before, { sizeBytes, state: rests.slice(0, depth) }, flawsBefore);
  return sizeBytes;
}

/** The same source, which calls `tick` and waits for it before every chunk it gives. */
export function tickingSource(source: ChunkSource, tick: () => Promise<void>): ChunkSource {
  return {
    async readChunk(id) {
      await tick();
      return source.readChunk(id);
    },
    refs: source.refs,
  };
}

/** The same for equal contents, so that what two backups share is walked once. */
export function contentKey(content: Content): string {
  const head = `${content.sizeBytes}:${content.depth}:`;
  return createHash('sha256').update(head).update(content.refs).digest('base64url');
}
