import { createHash } from 'node:crypto';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { openObject } from '../crypto/sealed-object.ts';
import { decodeIndex, type ListedPack } from './index-object.ts';
import { FOLDERS, leafOf, packName, packOfName } from './object-names.ts';
import { readPackTable } from './pack-reader.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage, named } from './sealed-json.ts';

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
  const done = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    let replaced = false;
    for await (const { name } of context.storage.list(FOLDERS.index)) {
      if (done.has(name)) continue;
      done.add(name);
      try {
        const { packs, epoch } = await readIndexObject(context, name);
        options.onIndex?.(name, epoch);
        yield* packs;
      } catch (error) {
        if (codeOf(error) === 'object_missing') replaced = true;
        else if (isDamage(error)) options.onDamage?.(name, error);
        else throw error;
      }
    }
    if (!replaced) return;
  }
  throw new HoldfastError('storage_io', 'the index changed all the time while it was read');
}

/** Reads one index object. Throws `object_damaged`, `key_wrong` or `object_missing` naming it. */
export async function readIndexObject(
  context: RepositoryContext,
  name: string,
): Promise<{ packs: Iterable<ListedPack>; epoch: number }> {
  const bytes = await context.storage.get(name);
  const { keys } = context;
  try {
    if (createHash('sha256').update(bytes).digest('hex') !== leafOf(name)) {
      throw new HoldfastError('object_damaged', 'its name is not the SHA-256 of its bytes');
    }
    const masterKeyOf = (epoch: number) => keys.masterKey(epoch);
    const opened = openObject({ bytes, type: 'index', repositoryId: keys.repositoryId, masterKeyOf });
    return { packs: decodeIndex(opened.payload), epoch: opened.epoch };
  } catch (error) {
    throw named(error, name);
  }
}

async function ownTable(
  context: RepositoryContext,
  pack: string,
  sizeBytes: number,
  options: ScanOptions,
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
