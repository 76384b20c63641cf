/**
 * Walked entries in flat shared memory: what the walking thread, the reading threads and the main thread
 * hand each other. One message per batch instead of one object per file.
 */
import type { BigIntStats } from 'node:fs';
import type { TreeEntry } from '../port.ts';

export const BATCH_ENTRIES = 512;
/** A batch also ends when its names take this much. */
export const BATCH_TEXT_BYTES = 128 * 1024;
/** 7 numbers of 8 bytes and 12 of 4. */
const RECORD_BYTES = 104;

const TYPES = ['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character'] as const;
export type EntryType = TreeEntry['type'];

/** Index into TYPES by the four bits of a mode that tell the type (S_IFMT, shifted down). */
const TYPE_OF_BITS = new Map([
  [8, 0],
  [4, 1],
  [10, 2],
  [1, 3],
  [12, 4],
  [6, 5],
  [2, 6],
]);

/** What became of reading a file. */
export const READ = { pending: 0, done: 1, large: 2, changing: 3, gone: 4, denied: 5, failed: 6 } as const;

const LONG = { modified: 0, changed: 1, inode: 2, device: 3, special: 4, size: 5, allocated: 6 } as const;
// biome-ignore format: a table
const INT = { type: 14, mode: 15, uid: 16, gid: 17, links: 18, pathAt: 19, pathBytes: 20, targetBytes: 21, read: 22, dataAt: 23, dataBytes: 24 } as const;

/** Field access to a batch; entry `i` of `entries`. Every thread makes its own over the same memory. */
export interface WalkBatch {
  readonly memory: SharedArrayBuffer;
  readonly entries: number;
  readonly longs: BigInt64Array;
  readonly floats: Float64Array;
  readonly ints: Uint32Array;
  /** All the batch's names; a view of the shared memory. */
  readonly text: Buffer;
}

export function viewBatch(memory: SharedArrayBuffer, entries: number): WalkBatch {
  return {
    memory,
    entries,
    longs: new BigInt64Array(memory, 0, (entries * RECORD_BYTES) / 8),
    floats: new Float64Array(memory, 0, (entries * RECORD_BYTES) / 8),
    ints: new Uint32Array(memory, 0, (entries * RECORD_BYTES) / 4),
    text: Buffer.from(memory, entries * RECORD_BYTES),
  };
}

const longAt = (i: number, field: number) => i * (RECORD_BYTES / 8) + field;
const intAt = (i: number, field: number) => i * (RECORD_BYTES / 4) + field;

export const typeOf = (batch: WalkBatch, i: number): EntryType => TYPES[batch.ints[intAt(i, INT.type)]!]!;
export const sizeOf = (batch: WalkBatch, i: number): number => batch.floats[longAt(i, LONG.size)]!;
export const linksOf = (batch: WalkBatch, i: number): number => batch.ints[intAt(i, INT.links)]!;
export const inodeOf = (batch: WalkBatch, i: number): bigint =>
  BigInt.asUintN(64, batch.longs[longAt(i, LONG.inode)]!);
export const deviceOf = (batch: WalkBatch, i: number): bigint =>
  BigInt.asUintN(64, batch.longs[longAt(i, LONG.device)]!);
export const modifiedOf = (batch: WalkBatch, i: number): bigint => batch.longs[longAt(i, LONG.modified)]!;
export const changedOf = (batch: WalkBatch, i: number): bigint => batch.longs[longAt(i, LONG.changed)]!;
/** True when fewer bytes are allocated than the file is long: it may have holes. */
export const looksSparse = (batch: WalkBatch, i: number): boolean =>
  batch.floats[longAt(i, LONG.allocated)]! < sizeOf(batch, i);
export const readStateOf = (batch: WalkBatch, i: number): number => batch.ints[intAt(i, INT.read)]!;
export const dataOf = (batch: WalkBatch, i: number): { at: number; sizeBytes: number } => ({
  at: batch.ints[intAt(i, INT.dataAt)]!,
  sizeBytes: batch.ints[intAt(i, INT.dataBytes)]!,
});

/** The raw path as a latin1 string. */
export function pathText(batch: WalkBatch, i: number): string {
  const at = batch.ints[intAt(i, INT.pathAt)]!;
  return batch.text.toString('latin1', at, at + batch.ints[intAt(i, INT.pathBytes)]!);
}

/** Sets what an entry's file status says. */
export function putStat(batch: WalkBatch, i: number, stat: BigIntStats): void {
  const { longs, floats, ints } = batch;
  const long = longAt(i, 0);
  const int = intAt(i, 0);
  const mode = Number(stat.mode);
  longs[long + LONG.modified] = stat.mtimeNs;
  longs[long + LONG.changed] = stat.ctimeNs;
  longs[long + LONG.inode] = stat.ino;
  longs[long + LONG.device] = stat.dev;
  longs[long + LONG.special] = stat.rdev;
  floats[long + LONG.size] = Number(stat.size);
  floats[long + LONG.allocated] = Number(stat.blocks) * 512;
  ints[int + INT.type] = TYPE_OF_BITS.get(mode >> 12) ?? 0;
  ints[int + INT.mode] = mode & 0o7777;
  ints[int + INT.uid] = Number(stat.uid);
  ints[int + INT.gid] = Number(stat.gid);
  ints[int + INT.links] = Number(stat.nlink);
}

/** Sets what became of reading entry `i`, and where its bytes lie in the slot of its job. */
export function putRead(batch: WalkBatch, i: number, state: number, at = 0, sizeBytes = 0): void {
  batch.ints[intAt(i, INT.read)] = state;
  batch.ints[intAt(i, INT.dataAt)] = at;
  batch.ints[intAt(i, INT.dataBytes)] = sizeBytes;
}

/** Everything of an entry but its owners' names, content and hard link. `text` is a copy of the batch's text. */
export function entryOf(
  batch: WalkBatch,
  i: number,
  text: Buffer,
  ownerName: (kind: 'user' | 'group', id: number) => string,
): TreeEntry {
  const { longs, ints } = batch;
  const int = intAt(i, 0);
  const type = typeOf(batch, i);
  const at = ints[int + INT.pathAt]!;
  const end = at + ints[int + INT.pathBytes]!;
  const uid = ints[int + INT.uid]!;
  const gid = ints[int + INT.gid]!;
  return {
    path: text.subarray(at, end),
    type,
    mode: ints[int + INT.mode]!,
    uid,
    gid,
    user: ownerName('user', uid),
    group: ownerName('group', gid),
    modifiedAtNs: modifiedOf(batch, i),
    changedAtNs: changedOf(batch, i),
    inode: inodeOf(batch, i),
    sizeBytes: type === 'file' ? sizeOf(batch, i) : 0,
    linkTarget: type === 'symlink' ? text.subarray(end, end + ints[int + INT.targetBytes]!) : null,
    hardLinkTo: null,
    deviceNumber:
      type === 'block' || type === 'character' ? BigInt.asUintN(64, longs[longAt(i, LONG.special)]!) : 0n,
    extents: null,
    content: null,
  };
}

/** Collects entries until a batch is full. */
export interface BatchBuilder {
  readonly full: boolean;
  readonly entries: number;
  add(path: string, stat: BigIntStats, target: Buffer | null): void;
  /** The batch's memory; the builder starts anew. */
  take(): SharedArrayBuffer;
}

export function batchBuilder(): BatchBuilder {
  const records = viewBatch(new SharedArrayBuffer(BATCH_ENTRIES * RECORD_BYTES), BATCH_ENTRIES);
  let text = Buffer.allocUnsafeSlow(2 * BATCH_TEXT_BYTES);
  let textBytes = 0;
  let entries = 0;
  const room = (bytes: number) => {
    if (textBytes + bytes <= text.length) return;
    text = Buffer.concat([text.subarray(0, textBytes)], 2 * (textBytes + bytes));
  };
  return {
    get full() {
      return entries === BATCH_ENTRIES || textBytes >= BATCH_TEXT_BYTES;
    },
    get entries() {
      return entries;
    },
    add(path, stat, target) {
      const targetBytes = target?.length ?? 0;
      room(path.length + targetBytes);
      putStat(records, entries, stat);
      putRead(records, entries, READ.pending);
      const int = intAt(entries, 0);
      records.ints[int + INT.pathAt] = textBytes;
      records.ints[int + INT.pathBytes] = path.length;
      records.ints[int + INT.targetBytes] = targetBytes;
      textBytes += text.write(path, textBytes, 'latin1');
      if (target) textBytes += target.copy(text, textBytes);
      entries += 1;
    },
    take() {
      const recordBytes = entries * RECORD_BYTES;
      const memory = new SharedArrayBuffer(recordBytes + textBytes);
      const bytes = Buffer.from(memory);
      Buffer.from(records.memory, 0, recordBytes).copy(bytes);
      text.copy(bytes, recordBytes, 0, textBytes);
      entries = 0;
      textBytes = 0;
      return memory;
    },
  };
}
