import { HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES, openHeader, readHeader } from '../crypto/object-header.ts';
import { type PackOpener, packOpener } from '../crypto/pack-cipher.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { packName } from './object-names.ts';

export const FOOTER_BYTES = 8;
export const FOOTER_MAGIC = Buffer.from('HFPE');

/** Read at once from the end of a pack: holds most tables whole. */
const TAIL_BYTES = 64 * 1024;

interface Place {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
}

/** What opens a pack, see `packOpener`. */
export interface PackKey {
  readonly key: Uint8Array;
  readonly header: Uint8Array;
}

/** The key of a pack by its first 92 bytes. Throws `object_damaged`, `key_wrong`, `repository_newer`. */
export function packKey(keys: RepositoryKeys, head: Buffer): PackKey {
  const { epoch } = readHeader(head);
  const header = Buffer.from(head.subarray(0, HEADER_BYTES));
  return { key: openHeader(header, keys.masterKey(epoch), 'pack', keys.repositoryId), header };
}

/** Throws as `packKey`. */
export function openPack(keys: RepositoryKeys, head: Buffer): PackOpener {
  return packOpener(packKey(keys, head));
}

/** The table's stored length, as the footer says. Throws `object_damaged`. */
export function readFooter(footer: Buffer, packBytes: number): number {
  const tableBytes = footer.length === FOOTER_BYTES ? footer.readUInt32LE(0) : -1;
  const isSound =
    footer.subarray(4).equals(FOOTER_MAGIC) && tableBytes <= packBytes - HEADER_BYTES - FOOTER_BYTES;
  if (isSound && tableBytes > 0) return tableBytes;
  throw new HoldfastError('object_damaged', 'a pack does not end in a footer');
}

/** Reads and authenticates a pack's own table. Throws `object_missing`, `object_damaged`, `key_wrong`. */
export async function readPackTable(place: Place, pack: string, sizeBytes: number): Promise<Buffer> {
  const name = packName(pack);
  const head = await place.storage.get(name, { offset: 0, length: HEADER_BYTES });
  const tailStart = Math.max(0, sizeBytes - TAIL_BYTES);
  let tail = await place.storage.get(name, { offset: tailStart, length: TAIL_BYTES });
  const footer = tail.subarray(Math.max(0, tail.length - FOOTER_BYTES));
  const tableBytes = readFooter(footer, sizeBytes);
  if (tail.length < tableBytes + FOOTER_BYTES) {
    const length = tableBytes + FOOTER_BYTES;
    tail = await place.storage.get(name, { offset: sizeBytes - length, length });
  }
  const end = tail.length - FOOTER_BYTES;
  return openPack(place.keys, head).openTable(tail.subarray(end - tableBytes, end));
}
