/**
 * The data blocks of a custom-format archive: `_StartData`, `_CustomWriteFunc` and `_StartBlob` in PostgreSQL's
 * src/bin/pg_dump/pg_backup_custom.c.
 */
import type { ErrorCode } from '../../base/errors.ts';
import { type ArchiveToc, archiveFailure, INT_BYTES, type TocEntry } from './archive-toc.ts';
import type { DumpFacts, TableFacts } from './facts.ts';
import { largeObjectDigest } from './large-object-digest.ts';
import { type RowDigest, rowDigest } from './row-digest.ts';

export const BLK_DATA = 1;
export const BLK_BLOBS = 3;
export const NUMBER_BYTES = 1 + INT_BYTES;

/** What comes next. */
const TYPE = 0;
const ID = 1;
const LENGTH = 2;
const PAYLOAD = 3;
const OID = 4;

export interface BlockParser {
  push(bytes: Buffer, offset: number): readonly number[];
  end(): Pick<DumpFacts, 'tables' | 'largeObjects'>;
}

interface OpenBlock {
  readonly entry: TocEntry;
  readonly start: number;
  readonly digest: RowDigest;
}

/** Takes what follows the table of contents. See `ArchiveParser` for `push` and `end`. */
export function blockParser(toc: ArchiveToc, failure: ErrorCode): BlockParser {
  const awaited = new Map(toc.entries.filter((entry) => entry.hasData).map((entry) => [entry.dumpId, entry]));
  const tables: TableFacts[] = [];
  const objects = largeObjectDigest();
  const numbers = numberReader(failure);
  let state = TYPE;
  let type = 0;
  let blockStart = 0;
  let open: OpenBlock | null = null;
  let left = 0;

  function openBlock(dumpId: number): OpenBlock {
    const entry = awaited.get(dumpId);
    if (!entry)
      throw archiveFailure(failure, `it holds data of entry ${dumpId}, which has none or had it before`);
    awaited.delete(dumpId);
    return { entry, start: blockStart, digest: rowDigest() };
  }

  function closeTable(end: number): void {
    const { entry, start, digest } = open!;
    const { terminated, ...data } = digest.finish();
    if (!terminated) throw archiveFailure(failure, `the data of ${entry.schema}.${entry.name} is cut short`);
    tables.push({ schema: entry.schema, name: entry.name, dumpId: entry.dumpId, start, end, ...data });
    open = null;
    state = TYPE;
  }

  function startBlock(kind: number, at: number): void {
    if (kind !== BLK_DATA && kind !== BLK_BLOBS)
      throw archiveFailure(failure, `a block has the type ${kind}`);
    type = kind;
    blockStart = at;
    state = ID;
  }

  function onNumber(value: number, next: number): void {
    if (state === ID) {
      open = openBlock(value);
      state = type === BLK_DATA ? LENGTH : OID;
    } else if (state === OID) {
      if (value === 0) {
        objects.block({ dumpId: open!.entry.dumpId, start: open!.start, end: next });
        open = null;
        state = TYPE;
      } else {
        objects.begin(value);
        state = LENGTH;
      }
    } else if (value > 0) {
      left = value;
      state = PAYLOAD;
    } else if (type === BLK_DATA) {
      closeTable(next);
    } else {
      objects.finish();
      state = OID;
    }
  }

  /** Whole rows that lie in `bytes`, one after the other: where nearly all the time goes. Gives where it stopped. */
  function wholeRows(bytes: Buffer, from: number): number {
    const { digest } = open!;
    const length = bytes.length;
    let at = from;
    while (at + NUMBER_BYTES <= length && bytes[at] === 0) {
      const size =
        (bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24)) >>> 0;
      const end = at + NUMBER_BYTES + size;
      if (size === 0 || end > length) break;
      digest.append(bytes, at + NUMBER_BYTES, end);
      at = end;
    }
    return at;
  }

  function payload(bytes: Buffer, at: number): number {
    const count = Math.min(left, bytes.length - at);
    if (type === BLK_DATA) open!.digest.append(bytes, at, at + count);
    else objects.append(bytes.subarray(at, at + count));
    left -= count;
    if (left === 0) state = LENGTH;
    return at + count;
  }

  return {
    push(bytes, offset) {
      const cuts: number[] = [];
      let at = 0;
      while (at < bytes.length) {
        if (state === TYPE) {
          cuts.push(offset + at);
          startBlock(bytes[at]!, offset + at);
          at += 1;
        } else if (state === PAYLOAD) {
          at = payload(bytes, at);
        } else {
          if (state === LENGTH && numbers.idle() && type === BLK_DATA) at = wholeRows(bytes, at);
          if (at === bytes.length) break;
          at = numbers.read(bytes, at);
          if (numbers.idle()) onNumber(numbers.value(), offset + at);
        }
      }
      return cuts;
    },
    end() {
      if (state !== TYPE) throw archiveFailure(failure, 'it ends inside a data block');
      const missing = [...awaited.values()][0];
      if (missing) {
        throw archiveFailure(failure, `it ends before the data of ${missing.schema}.${missing.name}`);
      }
      return { tables, largeObjects: objects.end() };
    },
  };
}

/** Reads framed integers (a sign byte, then the magnitude), which may be split across pieces. */
function numberReader(failure: ErrorCode) {
  const number = Buffer.alloc(NUMBER_BYTES);
  let used = 0;
  return {
    /** True when no number is half read; after `read`, that its value is complete. */
    idle: () => used === 0,
    value: () => number.readUInt32LE(1),
    read(bytes: Buffer, at: number): number {
      const count = Math.min(NUMBER_BYTES - used, bytes.length - at);
      bytes.copy(number, used, at, at + count);
      used += count;
      if (used === NUMBER_BYTES) {
        used = 0;
        if (number[0] !== 0) throw archiveFailure(failure, 'a length is negative');
      }
      return at + count;
    },
  };
}
