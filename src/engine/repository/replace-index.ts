import type { ListedPack } from './index-object.ts';
import type { Lease } from './leases.ts';
import { FOLDERS } from './object-names.ts';
import { putIndex } from './put-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { ownTable, scanPacks } from './scan-packs.ts';

/** Aim for the payload of one index object; far below what a sealed object may hold. */
const TARGET_BYTES = 8 * 2 ** 20;

export interface IndexWriter {
  add(listed: ListedPack): Promise<void>;
  /** Writes what is left. Resolves with the names of all objects written. */
  finish(): Promise<readonly string[]>;
}

/** Writes packs into as few index objects as is good, under the current epoch. */
export function indexWriter(context: RepositoryContext): IndexWriter {
  const { storage, keys } = context;
  const written: string[] = [];
  let pending: ListedPack[] = [];
  let pendingBytes = 0;
  const flush = async () => {
    if (pending.length === 0) return;
    const { name } = await putIndex({ storage, keys }, pending);
    written.push(name);
    pending = [];
    pendingBytes = 0;
  };
  return {
    async add(listed) {
      pending.push(listed);
      pendingBytes += listed.table.length;
      if (pendingBytes >= TARGET_BYTES) await flush();
    },
    async finish() {
      await flush();
      return written;
    },
  };
}

/**
 * Writes the whole index anew under the current epoch, without the packs to leave out and without those that are not
 * on storage, then removes the objects it replaces. Packs that were in none are in the new ones. Objects that
 * appear meanwhile are left alone.
 */
export async function replaceIndex(
  context: RepositoryContext,
  lease: Lease,
  leaveOut: (pack: string) => boolean = () => false,
): Promise<{ written: readonly string[]; removed: readonly string[] }> {
  const old: string[] = [];
  for await (const { name } of context.storage.list(FOLDERS.index)) old.push(name);
  const read = new Set<string>();
  const damaged = new Set<string>();
  const writer = indexWriter(context);
  const options = {
    skip: leaveOut,
    onIndex: (name: string) => void read.add(name),
    onDamage: (name: string) => void damaged.add(name),
  };
  for await (const listed of scanPacks(context, options)) await writer.add(listed);
  const written = await writer.finish();
  const removed = old.filter((name) => read.has(name) && !damaged.has(name) && !written.includes(name));
  for (const name of removed) await lease.remove(name);
  return { written, removed };
}

/** Writes packs that no index object lists into one, with the tables they hold themselves. Those that cannot be read are verify's to name. */
export async function listPacks(
  context: RepositoryContext,
  lease: Lease,
  packs: ReadonlyMap<string, number>,
): Promise<void> {
  const writer = indexWriter(context);
  for (const [pack, sizeBytes] of packs) {
    await lease.keepAlive();
    const table = await ownTable(context, pack, sizeBytes, {});
    if (table) await writer.add({ pack, sizeBytes, table });
  }
  await writer.finish();
}
