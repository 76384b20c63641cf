import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { freeNow } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { PackOpener } from '../crypto/pack-cipher.ts';
import { decodeRecord, decodeRecordNow } from './block-codec.ts';
import type { ListedPack } from './index-object.ts';
import { packName } from './object-names.ts';
import { FOOTER_BYTES, openPack, readFooter } from './pack-reader.ts';
import { decodeTable, type TableBlock } from './pack-toc.ts';
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
 * own table is the one the index lists. `dictionaryOf` gives what a difference against these chunks is decoded
 * with. A base that cannot be read makes its differences bad chunks, and is no damage of this pack.
 */
export async function checkPack(
  context: RepositoryContext,
  listed: ListedPack,
  bytes: Buffer,
  dictionaryOf: DictionaryOf,
): Promise<CheckedPack> {
  const name = packName(listed.pack);
  let why: string | null = null;
  const blame = (text: string) => {
    why ??= text;
  };
  if (createHash('sha256').update(bytes).digest('hex') !== listed.pack) {
    blame('its name is not the SHA-256 of its bytes');
  }
  const badChunks: Buffer[] = [];
  let chunks = 0;
  let i = 0;
  let at = HEADER_BYTES;
  const opener = openOrBlame(context, bytes, blame);
  for (const block of decodeTable(listed.table)) {
    const stored = bytes.subarray(at, at + block.storedBytes);
    const dictionary = block.bases.length > 0 ? await dictionaryOf(block.bases).catch(unreadableBase) : null;
    const isReadable = opener !== null && dictionary !== 'unreadable';
    const bad = isReadable ? await badChunksOf(context, opener, stored, block, i, dictionary) : block.chunks;
    if (bad.length > 0 && dictionary !== 'unreadable')
      blame(`block ${i} does not give back what its table promises`);
    badChunks.push(...bad.map(({ id }) => id));
    chunks += block.chunks.length;
    at += block.storedBytes;
    i += 1;
  }
  if (opener) checkTable(opener, listed, bytes, at, blame);
  const damage = why === null ? null : { name, code: 'object_damaged' as const, why: `${name}: ${why}` };
  return { damage, badChunks, chunks };
}

function unreadableBase(error: unknown): 'unreadable' {
  unreadable(error);
  return 'unreadable';
}

function openOrBlame(
  context: RepositoryContext,
  bytes: Buffer,
  blame: (why: string) => void,
): PackOpener | null {
  try {
    return openPack(context.keys, bytes);
  } catch (error) {
    if (!isDamage(error)) throw error;
    blame(error.message);
    return null;
  }
}

/** The pack's own table must be the listed one and lie between the last block and the footer. */
function checkTable(
  opener: PackOpener,
  listed: ListedPack,
  bytes: Buffer,
  tableAt: number,
  blame: (why: string) => void,
): void {
  try {
    const end = bytes.length - FOOTER_BYTES;
    const tableBytes = readFooter(bytes.subarray(Math.max(0, end)), bytes.length);
    if (tableAt + tableBytes !== end) blame('its table does not lie where its blocks end');
    const table = opener.openTable(bytes.subarray(end - tableBytes, end));
    if (!table.equals(listed.table)) blame('its table is not the one the index lists');
  } catch (error) {
    if (!isDamage(error)) throw error;
    blame(error.message);
  }
}

async function badChunksOf(
  context: RepositoryContext,
  opener: PackOpener,
  stored: Buffer,
  block: TableBlock,
  i: number,
  dictionary: Buffer | null,
): Promise<readonly { readonly id: Buffer }[]> {
  try {
    const record = opener.openBlock(i, stored);
    const { plainBytes } = block;
    // A task of its own costs more than decoding a difference.
    const plain = dictionary
      ? decodeRecordNow(record, plainBytes, dictionary)
      : await decodeRecord(record, plainBytes, null);
    let at = 0;
    const idKey = createSecretKey(context.keys.chunkIdKey);
    const bad = block.chunks.filter(({ id, lengthBytes }) => {
      const chunk = plain.subarray(at, at + lengthBytes);
      at += lengthBytes;
      return !createHmac('sha256', idKey).update(chunk).digest().equals(id);
    });
    freeNow(plain);
    return bad;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return block.chunks;
  }
}
