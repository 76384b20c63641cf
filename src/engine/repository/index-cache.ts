/**
 * What this machine read of small index objects, in few files: a repository that was never pruned has one of them for each backup.
 * A cache: sealed under the repository's keys, never trusted to say what is on storage, and rebuilt when it is lost.
 */
import { randomBytes } from 'node:crypto';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { HOUR_MS } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { openObject, sealObject } from '../crypto/sealed-object.ts';
import { decodeIndex, encodeIndex, type ListedPack } from './index-object.ts';
import { indexName, leafOf } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';

/** So many new index objects are worth a file. Fewer are read where they lie, each time. */
const ENOUGH = 32;
/** A file that holds more stays as it is; smaller ones go up in the next. */
const FULL_BYTES = 2 ** 20;
const HASH_BYTES = 32;
const COUNT_BYTES = 4;
const FILE = /^[0-9a-f]{32}$/;
const UNFINISHED = '.part';
/** Whoever began it is long gone. */
const UNFINISHED_MS = HOUR_MS;

export interface CachedIndex {
  /** The index objects this was read from. */
  readonly names: readonly string[];
  readonly packs: readonly ListedPack[];
}

/** Never throws for what becomes of its files: without them everything is read from storage. */
export interface IndexCache {
  /** What it holds of these index objects. Files that tell of others, or do not open, are removed: an object of theirs was replaced. */
  read(listed: ReadonlySet<string>): AsyncIterable<CachedIndex>;
  /** Takes what an index object said. */
  add(name: string, packs: readonly ListedPack[]): Promise<void>;
  /** Writes what was added, when it is worth a file. */
  finish(): Promise<void>;
}

export type CacheFiles = Pick<
  typeof promises,
  'mkdir' | 'readdir' | 'readFile' | 'rename' | 'rm' | 'stat' | 'writeFile'
>;

/** The cache of one repository in a folder of its own, made 0700 when missing. */
export function indexCache(
  context: RepositoryContext,
  folder: string,
  files: CacheFiles = promises,
): IndexCache {
  let added = nothing();
  /** Files that are not full, of those that `read` gave. */
  let small: string[] = [];

  const open = async (file: string): Promise<CachedIndex | null> => {
    const sealed = await files.readFile(join(folder, file)).catch(() => null);
    return sealed && decode(context, sealed);
  };
  const discard = (file: string) => files.rm(join(folder, file), { force: true }).catch(() => {});
  const take = (cached: CachedIndex) => {
    added.names.push(...cached.names);
    added.packs.push(...cached.packs);
    added.tableBytes += tableBytesOf(cached);
  };
  const write = async () => {
    const sealed = encode(context, added);
    added = nothing();
    const file = randomBytes(16).toString('hex');
    const beside = join(folder, `${file}${UNFINISHED}`);
    await files.mkdir(folder, { recursive: true, mode: 0o700 });
    await files.writeFile(beside, sealed, { mode: 0o600 });
    await files.rename(beside, join(folder, file));
  };
  const sweep = async (file: string) => {
    const stat = await files.stat(join(folder, file)).catch(() => null);
    if (stat && Date.now() - stat.mtimeMs > UNFINISHED_MS) await discard(file);
  };

  return {
    async *read(listed) {
      const given = new Set<string>();
      // Two runs at once may have written the same.
      const isOfUse = ({ names }: CachedIndex) =>
        names.every((name) => listed.has(name)) && names.some((name) => !given.has(name));
      small = [];
      added = nothing();
      const found = await files.readdir(folder).catch(() => []);
      for (const file of found.sort()) {
        if (file.endsWith(UNFINISHED)) await sweep(file);
        if (!FILE.test(file)) continue;
        const cached = await open(file);
        if (cached === null || !isOfUse(cached)) {
          await discard(file);
          continue;
        }
        for (const name of cached.names) given.add(name);
        if (tableBytesOf(cached) < FULL_BYTES) small.push(file);
        yield cached;
      }
    },
    async add(name, listed) {
      take({ names: [name], packs: listed });
      if (added.tableBytes >= FULL_BYTES) await write().catch(() => {});
    },
    async finish() {
      if (added.names.length < ENOUGH) return;
      const old = small;
      small = [];
      try {
        for (const file of old) {
          const cached = await open(file);
          if (cached) take(cached);
        }
        await write();
      } catch {
        // The next run tries again.
        return;
      }
      for (const file of old) await discard(file);
    },
  };
}

const nothing = () => ({ names: [] as string[], packs: [] as ListedPack[], tableBytes: 0 });

const tableBytesOf = ({ packs }: CachedIndex) => packs.reduce((sum, { table }) => sum + table.length, 0);

/** u32 number of index objects, the SHA-256 of each, then what an index object would hold. */
function encode({ keys }: RepositoryContext, { names, packs }: CachedIndex): Buffer {
  const count = Buffer.alloc(COUNT_BYTES);
  count.writeUInt32LE(names.length);
  const hashes = Buffer.from(names.map(leafOf).join(''), 'hex');
  return sealObject({
    type: 'indexCache',
    epoch: keys.epoch,
    masterKey: keys.masterKey(keys.epoch),
    repositoryId: keys.repositoryId,
    payload: Buffer.concat([count, hashes, encodeIndex(packs)]),
  });
}

/** Null for what does not open or decode. */
function decode({ keys }: RepositoryContext, bytes: Buffer): CachedIndex | null {
  try {
    const masterKeyOf = (epoch: number) => keys.masterKey(epoch);
    const { payload } = openObject({
      bytes,
      type: 'indexCache',
      repositoryId: keys.repositoryId,
      masterKeyOf,
    });
    const start = COUNT_BYTES + payload.readUInt32LE(0) * HASH_BYTES;
    const names: string[] = [];
    for (let at = COUNT_BYTES; at < start; at += HASH_BYTES) {
      names.push(indexName(payload.toString('hex', at, at + HASH_BYTES)));
    }
    return { names, packs: decodeIndex(payload.subarray(start)) };
  } catch (error) {
    if (error instanceof HoldfastError || error instanceof RangeError) return null;
    throw error;
  }
}
