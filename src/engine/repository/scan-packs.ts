import { codeOf, HoldfastError } from '../base/errors.ts';
import type { IndexCache } from './index-cache.ts';
import type { ListedPack } from './index-object.ts';
import { FOLDERS, packName, packOfName } from './object-names.ts';
import { readPackTable } from './pack-reader.ts';
import { type IndexFile, isSmall, readIndexObjects } from './read-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage } from './sealed-json.ts';

/** Prune replaces index objects; a scan that meets it looks again this often before it gives up. */
const ROUNDS = 10;

export interface ScanOptions {
  /** Leaves packs out. `wrongSize` is true for one that is not as long as the index says: it was cut, or grew. */
  readonly skip?: (pack: string, wrongSize: boolean) => boolean;
  /** Told of index objects and packs that do not decode; without it they are passed over. */
  readonly onDamage?: (name: string, error: HoldfastError) => void;
  /** Told of packs that an index lists and storage does not hold. */
  readonly onMissing?: (pack: string) => void;
  /** Told of packs that no index lists. */
  readonly onUnlisted?: (pack: string) => void;
  /** Told once, first, of every pack on storage and its size, those that `skip` leaves out included. */
  readonly onStored?: (sizes: ReadonlyMap<string, number>) => void;
  /** Asked before storage for what index objects say. Not for whoever looks whether they are good. */
  readonly cache?: IndexCache | undefined;
  /** Told of every index object that was read. */
  readonly onIndex?: (name: string, epoch: number) => void;
}

/**
 * Every pack that is on storage, once, with its table: from the index objects, and for packs that no index lists
 * from their own table. Damaged index objects cost nothing but time, as long as the packs are whole.
 */
export async function* scanPacks(
  context: RepositoryContext,
  options: ScanOptions = {},
): AsyncGenerator<ListedPack> {
  const stored = await storedPacks(context);
  options.onStored?.(stored);
  const yielded = new Set<string>();
  const absent = new Map<string, ListedPack>();
  for await (const listed of indexedPacks(context, options)) {
    if (yielded.has(listed.pack)) continue;
    if (!stored.has(listed.pack)) {
      absent.set(listed.pack, listed);
      continue;
    }
    yielded.add(listed.pack);
    if (!options.skip?.(listed.pack, stored.get(listed.pack) !== listed.sizeBytes)) yield listed;
  }
  for (const listed of absent.values()) {
    // Written after packs were listed, or gone.
    const info = await context.storage.stat(packName(listed.pack));
    if (info === null) options.onMissing?.(listed.pack);
    else if (!options.skip?.(listed.pack, info.sizeBytes !== listed.sizeBytes)) yield listed;
  }
  for (const [pack, sizeBytes] of stored) {
    if (yielded.has(pack) || options.skip?.(pack, false)) continue;
    options.onUnlisted?.(pack);
    const table = await ownTable(context, pack, sizeBytes, options);
    if (table) yield { pack, sizeBytes, table };
  }
}

/** Size of every pack on storage, by its SHA-256. */
export async function storedPacks(context: RepositoryContext): Promise<Map<string, number>> {
  const stored = new Map<string, number>();
  for await (const { name, sizeBytes } of context.storage.list(FOLDERS.packs)) {
    const pack = packOfName(name);
    if (pack) stored.set(pack, sizeBytes);
  }
  return stored;
}

async function* indexedPacks(context: RepositoryContext, options: ScanOptions): AsyncGenerator<ListedPack> {
  const { cache } = options;
  const done = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    let replaced = false;
    const listed: IndexFile[] = [];
    for await (const file of context.storage.list(FOLDERS.index)) listed.push(file);
    if (cache && round === 0) {
      for await (const { names, packs } of cache.read(new Set(listed.map(({ name }) => name)))) {
        for (const name of names) done.add(name);
        yield* packs;
      }
    }
    const files = listed.filter(({ name }) => !done.has(name));
    for await (const { name, sizeBytes, opened, error } of readIndexObjects(context, files)) {
      done.add(name);
      if (opened !== null) {
        options.onIndex?.(name, opened.epoch);
        yield* opened.packs;
        if (cache && isSmall(sizeBytes)) await cache.add(name, opened.packs);
      } else if (codeOf(error) === 'object_missing') replaced = true;
      else if (isDamage(error)) options.onDamage?.(name, error);
      else throw error;
    }
    if (!replaced) {
      await cache?.finish();
      return;
    }
  }
  throw new HoldfastError('storage_io', 'the index changed all the time while it was read');
}

/** What a pack says of itself; null for one that is gone or damaged, which is told. */
export async function ownTable(
  context: RepositoryContext,
  pack: string,
  sizeBytes: number,
  options: Pick<ScanOptions, 'onDamage'>,
): Promise<Buffer | null> {
  try {
    return await readPackTable(context, pack, sizeBytes);
  } catch (error) {
    if (codeOf(error) === 'object_missing') return null;
    if (!isDamage(error)) throw error;
    options.onDamage?.(packName(pack), error);
    return null;
  }
}
