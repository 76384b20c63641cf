import { createHash } from 'node:crypto';
import type { ListedPack } from './index-object.ts';
import type { Lease } from './leases.ts';
import { FOLDERS } from './object-names.ts';
import { type IndexFile, isSmall, readIndexObjects } from './read-index.ts';
import { indexWriter } from './replace-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage } from './sealed-json.ts';

/** So many small ones may lie there: what an unchanged run a day adds in two months. */
export const SMALL_INDEXES = 64;

export interface MergedIndex {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Writes what many small index objects list into few large ones, then removes those, under the maintenance lease. What they list stays as it
 * is, packs that are gone included: only verify may say so. One that does not decode stays where it is. Safe to interrupt at any
 * point, since a pack may be listed twice. Does nothing for up to `allowed` small objects.
 */
export async function mergeIndex(
  context: RepositoryContext,
  lease: Lease,
  allowed: number = SMALL_INDEXES,
): Promise<MergedIndex> {
  const small: IndexFile[] = [];
  for await (const file of context.storage.list(FOLDERS.index)) {
    if (isSmall(file.sizeBytes)) small.push(file);
  }
  if (small.length <= allowed) return { written: [], removed: [] };
  const writer = indexWriter(context);
  const merged: string[] = [];
  const seen = new Set<string>();
  for await (const { name, opened, error } of readIndexObjects(context, small)) {
    if (opened === null && !isDamage(error)) throw error;
    if (opened === null) continue;
    merged.push(name);
    for (const listed of opened.packs) {
      const key = entryKey(listed);
      if (seen.has(key)) continue;
      seen.add(key);
      // Each add may write an object.
      await lease.keepAlive();
      await writer.add(listed);
    }
  }
  await lease.check();
  const written = await writer.finish();
  const removed = merged.filter((name) => !written.includes(name));
  for (const name of removed) await lease.remove(name);
  return { written, removed };
}

/** Two entries of one pack that differ both stay. */
const entryKey = ({ pack, sizeBytes, table }: ListedPack) =>
  `${pack} ${sizeBytes} ${createHash('sha256').update(table).digest('base64')}`;
