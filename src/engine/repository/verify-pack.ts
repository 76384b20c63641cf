import { createSecretKey } from 'node:crypto';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { ListedPack } from './index-object.ts';
import { packName } from './object-names.ts';
import { badChunksOf, blocksOf, checkName, checkTable, type PackBytes } from './pack-proof.ts';
import { openPack } from './pack-reader.ts';
import { unreadable } from './reachable.ts';
import type { RepositoryContext } from './repository-context.ts';
import { isDamage } from './sealed-json.ts';
import type { DamagedObject } from './verify-report.ts';

/** See `BlockLoader`; bases by their ids. */
export type DictionaryOf = (bases: readonly Uint8Array[]) => Promise<Buffer>;

export interface CheckedPack {
  /** Null when every byte is what it should be. */
  readonly damage: DamagedObject | null;
  /** Ids of chunks, as the index lists them, that this pack does not give back. */
  readonly badChunks: readonly Buffer[];
  readonly chunks: number;
}

/**
 * Checks one pack from its bytes: name, header, commitment, every block, every chunk against its id, and that its
 * own table is the one the index lists; `isProven` when a thread did so already, and only differences are left. `dictionaryOf` gives
 * what a difference against these chunks is decoded with. A base that cannot be read makes its differences bad chunks, and is no damage
 * of this pack.
 */
export async function checkPack(
  context: RepositoryContext,
  listed: ListedPack,
  bytes: Buffer,
  dictionaryOf: DictionaryOf,
  isProven = false,
): Promise<CheckedPack> {
  const name = packName(listed.pack);
  let why: string | null = null;
  const blaming = <T>(work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      why ??= error.message;
      return null;
    }
  };
  const pack: PackBytes = { ...listed, bytes };
  if (!isProven) blaming(() => checkName(pack));
  const opener = blaming(() => openPack(context.keys, bytes));
  const idKey = createSecretKey(context.keys.chunkIdKey);
  const badChunks: Buffer[] = [];
  let chunks = 0;
  let tableAt = HEADER_BYTES;
  for (const one of blocksOf(pack)) {
    const { block, number } = one;
    tableAt = one.endsAt;
    chunks += block.chunks.length;
    if (isProven && block.bases.length === 0) continue;
    const dictionary = block.bases.length > 0 ? await dictionaryOf(block.bases).catch(unreadableBase) : null;
    const isReadable = opener !== null && dictionary !== 'unreadable';
    const bad = isReadable ? badChunksOf(opener, idKey, one, dictionary) : block.chunks.map(({ id }) => id);
    if (bad.length > 0 && dictionary !== 'unreadable')
      why ??= `block ${number} does not give back what its table promises`;
    badChunks.push(...bad);
  }
  if (opener && !isProven) blaming(() => checkTable(opener, pack, tableAt));
  const damage = why === null ? null : { name, code: 'object_damaged' as const, why: `${name}: ${why}` };
  return { damage, badChunks, chunks };
}

function unreadableBase(error: unknown): 'unreadable' {
  unreadable(error);
  return 'unreadable';
}
