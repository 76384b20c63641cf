import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import type { Content } from '../sources/port.ts';
import { eachRef, REF_BYTES } from './refs.ts';

/** The part of a chunk reader that walking needs. Every chunk it gives is checked against its id. */
export interface ChunkSource {
  readChunk(id: Buffer): Promise<Buffer>;
  read(content: Content): AsyncIterable<Buffer>;
}

/** Meets a chunk that a content refers to: a data chunk or one that holds references. */
export type OnChunk = (id: Buffer, lengthBytes: number) => void;

/**
 * Meets every chunk of a content, references of every depth included, in memory that does not grow with it.
 * Throws what reading a nested list throws, and `object_damaged` when lengths do not add up.
 */
export async function walkContent(source: ChunkSource, content: Content, onChunk: OnChunk): Promise<void> {
  let level: AsyncIterable<Buffer> | Iterable<Buffer> = [content.refs];
  for (let depth = content.depth; depth > 0; depth -= 1) level = descend(source, level, onChunk);
  let sizeBytes = 0;
  for await (const refs of level) {
    for (const { id, lengthBytes } of eachRef(refs)) {
      onChunk(id, lengthBytes);
      sizeBytes += lengthBytes;
    }
  }
  if (sizeBytes === content.sizeBytes) return;
  throw new HoldfastError(
    'object_damaged',
    `a content of ${content.sizeBytes} bytes refers to ${sizeBytes} bytes`,
  );
}

/** References one level below, in whole pieces: a reference may lie across two chunks. */
async function* descend(
  source: ChunkSource,
  level: AsyncIterable<Buffer> | Iterable<Buffer>,
  onChunk: OnChunk,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const refs of level) {
    for (const { id, lengthBytes } of eachRef(refs)) {
      onChunk(id, lengthBytes);
      const chunk = await source.readChunk(id);
      if (chunk.length !== lengthBytes) {
        throw new HoldfastError(
          'object_damaged',
          `chunk ${id.toString('hex')} has another length than stated`,
        );
      }
      const joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = joined.length - (joined.length % REF_BYTES);
      if (whole > 0) yield joined.subarray(0, whole);
      rest = joined.subarray(whole);
    }
  }
  if (rest.length > 0) throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}

/** The same source, which calls `tick` and waits for it before every piece it gives. */
export function tickingSource(source: ChunkSource, tick: () => Promise<void>): ChunkSource {
  return {
    async readChunk(id) {
      await tick();
      return source.readChunk(id);
    },
    async *read(content) {
      for await (const part of source.read(content)) {
        await tick();
        yield part;
      }
    },
  };
}

/** The same for equal contents, so that what two backups share is walked once. */
export function contentKey(content: Content): string {
  const head = `${content.sizeBytes}:${content.depth}:`;
  return createHash('sha256').update(head).update(content.refs).digest('base64url');
}
