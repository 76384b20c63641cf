import type { StageClock } from '../base/stage-times.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { ListedPack } from './index-object.ts';
import { packName } from './object-names.ts';
import type { BuiltPack } from './pack-builder.ts';
import { putIndex } from './put-index.ts';
import type { SlotPool } from './slot-pool.ts';

/** After so many packs an index object is written, so that an interrupted run is found quickly. */
const PACKS_PER_INDEX = 64;
/** Or after so many bytes of tables: they wait in memory, and sealing them takes as much again several times over. */
const TABLES_PER_INDEX = 2 ** 21;

export interface PackStore {
  /** Takes a finished pack. Failures show in `finish` and in `onFailed`. */
  add(built: BuiltPack): void;
  /** Waits for every pack and writes the last index object. Throws what storage threw. */
  finish(): Promise<void>;
  readonly storedBytes: number;
  readonly packs: readonly string[];
}

/** Puts packs, then the index objects that list them: never the other way round. */
export function packStore(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
  /** The memory packs are built in; each slot is released once its pack is stored. */
  readonly pool: SlotPool;
  readonly clock: StageClock;
  readonly onStored: (sizeBytes: number) => void;
  readonly onFailed: (error: unknown) => void;
}): PackStore {
  const { storage, index, pool } = input;
  const packs: string[] = [];
  let storedBytes = 0;
  let listed: ListedPack[] = [];
  let listedBytes = 0;
  let tail: Promise<void> = Promise.resolve();
  let indexing: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | null = null;

  const fail = (error: unknown) => {
    failure ??= { error };
    input.onFailed(error);
  };
  const listBatch = async (batch: readonly ListedPack[]) => {
    const { sizeBytes } = await putIndex(input, batch);
    storedBytes += sizeBytes;
  };
  const flushIndex = () => {
    const batch = listed;
    listed = [];
    listedBytes = 0;
    if (batch.length > 0) indexing = indexing.then(() => listBatch(batch)).catch(fail);
  };
  const put = async ({ pack, slot, sizeBytes, table }: BuiltPack) => {
    const begun = performance.now();
    await storage.put(packName(pack), pool.view(slot).subarray(0, sizeBytes), { sha256: pack });
    input.clock.add('store', performance.now() - begun);
    pool.release(slot);
    packs.push(pack);
    storedBytes += sizeBytes;
    const entries = Buffer.from(table);
    index.addPack(pack, sizeBytes, entries);
    listed.push({ pack, sizeBytes, table: entries });
    listedBytes += entries.length;
    input.onStored(sizeBytes);
    if (listed.length >= PACKS_PER_INDEX || listedBytes >= TABLES_PER_INDEX) flushIndex();
  };
  return {
    add(built) {
      const stored = put(built).catch(fail);
      tail = Promise.all([tail, stored]).then(() => {});
    },
    async finish() {
      await tail;
      flushIndex();
      await indexing;
      if (failure) throw failure.error;
    },
    get storedBytes() {
      return storedBytes;
    },
    packs,
  };
}
