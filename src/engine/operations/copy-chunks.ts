import { createHmac, createSecretKey } from 'node:crypto';
import { frameOf } from '../repository/block-codec.ts';
import type { ChunkIndex } from '../repository/chunk-index.ts';
import type { ChunkReader } from '../repository/chunk-reader.ts';
import type { ChunkWriter } from '../repository/chunk-writer.ts';
import { ID_START_BYTES } from '../repository/id-table.ts';
import { REF_BYTES, type Ref, writeRef } from '../repository/refs.ts';
import type { RepositoryContext } from '../repository/repository-context.ts';
import type { Content } from '../sources/port.ts';
import type { ChunkIds } from './copy-ids.ts';

/** What chunks are copied from. */
export interface ChunkOrigin {
  readonly context: Pick<RepositoryContext, 'keys'>;
  readonly index: ChunkIndex;
  readonly reader: ChunkReader;
}

/** What chunks are copied into. */
export interface ChunkTarget {
  readonly context: Pick<RepositoryContext, 'keys' | 'storage'>;
  readonly index: ChunkIndex;
  readonly writer: ChunkWriter;
}

export interface ChunkCopier {
  /**
   * Makes sure that the target has these chunks, with the borders they have, and resolves with their ids there, in
   * order. What is there already is not read. `onBytes` gets the bytes of those that are read, valid only during the call. Throws what
   * `ChunkReader.read` throws, and what the writer throws.
   */
  bring(refs: readonly Ref[], onBytes?: (bytes: Buffer) => void): Promise<Buffer[]>;
  /** Hands over what is under way. Nothing can be brought afterwards. */
  end(): Promise<void>;
}

/** The longest chunk there is: with it as fixed size, a chunk is cut where it ended before and nowhere else. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

/** `readsAll`: also reads what is there already, so that whoever asks sees every byte. */
export function chunkCopier(
  origin: ChunkOrigin,
  target: ChunkTarget,
  ids: ChunkIds,
  readsAll: boolean,
): ChunkCopier {
  const { writer, index } = target;
  const stream = writer.openStream({ method: 'fixed', sizeBytes: MAX_CHUNK_BYTES }, { sha256: false });
  const idKey = createSecretKey(target.context.keys.chunkIdKey);
  const originKey = createSecretKey(origin.context.keys.chunkIdKey);
  const idOf = (bytes: Buffer) => createHmac('sha256', idKey).update(bytes).digest();
  const takesDifferences = target.context.storage.readsAreCheap ?? false;
  /** Bases already looked at, by their numbers there; null for one that cannot be a base here. */
  const bases = new Map<number, Buffer | null>();

  const store = async (id: Buffer, bytes: Buffer): Promise<void> => {
    if (writer.use(id)) return;
    const written = stream.write(bytes);
    if (written) await written;
    // The stream is only a way in: what its chunks make up is put together elsewhere.
    stream.discard();
  };
  /** The id here of a chunk that differences there are made against, stored whole here. */
  const bringBase = async (number: number): Promise<Buffer | null> => {
    const known = bases.get(number);
    if (known !== undefined) return known;
    const start = Buffer.concat([origin.index.idStart(number), Buffer.alloc(32 - ID_START_BYTES)]);
    const bytes = await origin.reader.dictionaryOf([start]);
    const id = idOf(bytes);
    ids.learn(createHmac('sha256', originKey).update(bytes).digest(), id);
    const here = index.find(id);
    const isDifference = here >= 0 && index.basesOf(here).length > 0;
    if (!isDifference) await store(id, bytes);
    bases.set(number, isDifference ? null : id);
    return isDifference ? null : id;
  };
  /** True when the chunk was stored as the difference it is there. */
  const storeDifference = async (ref: Ref, id: Buffer): Promise<boolean> => {
    const number = takesDifferences ? origin.index.find(ref.id) : -1;
    const against = number < 0 ? [] : origin.index.basesOf(number);
    if (against.length === 0 || writer.use(id)) return false;
    const brought: Buffer[] = [];
    for (const base of against) {
      const here = await bringBase(base);
      if (here === null) return false;
      brought.push(here);
    }
    const frame = frameOf(await origin.reader.readRecord(number));
    await writer.copyDelta({ id, lengthBytes: ref.lengthBytes, frame, bases: brought });
    return true;
  };
  return {
    async bring(refs, onBytes) {
      const found = refs.map(({ id }) => {
        const here = ids.get(id);
        return here !== null && writer.use(here) ? Buffer.from(here) : null;
      });
      const missing = refs.flatMap((_, i) => (readsAll || found[i] === null ? [i] : []));
      if (missing.length === 0) return found as Buffer[];
      let next = 0;
      for await (const bytes of origin.reader.stream(contentOf(missing.map((i) => refs[i]!)))) {
        const i = missing[next]!;
        next += 1;
        onBytes?.(bytes);
        const ref = refs[i]!;
        const id = idOf(bytes);
        const isThere = found[i]?.equals(id) ?? false;
        if (!isThere && !(await storeDifference(ref, id))) await store(id, bytes);
        ids.learn(ref.id, id);
        found[i] = id;
      }
      return found as Buffer[];
    },
    async end() {
      await stream.end();
    },
  };
}

/** Chunks as a content of their own, to read them in one go. */
function contentOf(refs: readonly Ref[]): Content {
  const bytes = Buffer.alloc(refs.length * REF_BYTES);
  let sizeBytes = 0;
  refs.forEach(({ id, lengthBytes, mark }, i) => {
    writeRef(bytes, i * REF_BYTES, id, lengthBytes, mark);
    sizeBytes += lengthBytes;
  });
  return { sizeBytes, depth: 0, refs: bytes };
}
