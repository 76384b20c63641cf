import { z } from 'zod';
import { codeOf } from '../base/errors.ts';
import { FOLDERS, leafOf, tombstoneName } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage, openJson, sealJson } from './sealed-json.ts';

const tombstoneSchema = z.object({
  version: z.literal(1),
  pack: z.string(),
  writtenAt: z.iso.datetime({ precision: 3 }),
  by: z.string(),
});

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** Says that a pack was found without a live chunk, and when. */
export interface Tombstone {
  readonly pack: string;
  /** By the clock of whoever wrote it; null when the object is damaged. */
  readonly writtenAtMs: number | null;
  /** By the storage's clock. */
  readonly modifiedAtMs: number;
}

/** Packs that carry a tombstone, by name alone: enough for a writer, which must not use them. */
export async function tombstonedPacks(context: RepositoryContext): Promise<Set<string>> {
  const packs = new Set<string>();
  for await (const { name } of context.storage.list(FOLDERS.tombstones)) packs.add(leafOf(name));
  return packs;
}

/** Every tombstone by pack, damaged ones with a null time. */
export async function readTombstones(context: RepositoryContext): Promise<Map<string, Tombstone>> {
  const tombstones = new Map<string, Tombstone>();
  for await (const { name, modifiedAtMs } of context.storage.list(FOLDERS.tombstones)) {
    const pack = leafOf(name);
    if (!SHA256_HEX.test(pack)) continue;
    const tombstone = await readTombstone(context, pack, modifiedAtMs);
    if (tombstone) tombstones.set(pack, tombstone);
  }
  return tombstones;
}

/** Null when there is none. */
export async function readTombstone(
  context: RepositoryContext,
  pack: string,
  modifiedAtMs: number,
): Promise<Tombstone | null> {
  const name = tombstoneName(pack);
  try {
    const bytes = await context.storage.get(name);
    const { value } = openJson(context, 'tombstone', { name, bytes }, tombstoneSchema);
    const writtenAtMs = value.pack === pack ? Date.parse(value.writtenAt) : null;
    return { pack, writtenAtMs, modifiedAtMs };
  } catch (error) {
    if (codeOf(error) === 'object_missing') return null;
    if (!isDamage(error)) throw error;
    return { pack, writtenAtMs: null, modifiedAtMs };
  }
}

/** Marks a pack as dead from now on. One already there keeps its time. */
export async function putTombstone(context: RepositoryContext, pack: string, by: string): Promise<void> {
  const writtenAt = new Date(context.clock.nowMs()).toISOString();
  await context.storage.put(
    tombstoneName(pack),
    sealJson(context, 'tombstone', { version: 1, pack, writtenAt, by }),
  );
}
