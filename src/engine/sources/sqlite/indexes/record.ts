import { Unusual } from './pages.ts';

/** One record, parsed as far as needed. Filled anew for each, so that millions of them cost no memory. */
export interface RecordFields {
  bytes: Uint8Array;
  view: DataView;
  /** Serial types of the fields. */
  readonly types: Int32Array;
  /** Where each field begins in `bytes`. */
  readonly starts: Int32Array;
  count: number;
  /** Where the last parsed field ends. */
  end: number;
  /** The record has fields beyond those parsed. */
  hasMore: boolean;
  rowidHigh: number;
  rowidLow: number;
}

export function newRecord(fields: number): RecordFields {
  const bytes = new Uint8Array(0);
  return {
    ...{ bytes, view: new DataView(bytes.buffer), count: 0, end: 0, hasMore: false },
    ...{ rowidHigh: 0, rowidLow: 0, types: new Int32Array(fields), starts: new Int32Array(fields) },
  };
}

/** Where the number read last ended. */
const after = { at: 0 };
export const varintEnd = () => after.at;

/** A length or a type: below 2^31 in a sound database of ordinary size. */
export function smallVarint(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let at = from; at < from + 5; at += 1) {
    const byte = bytes[at]!;
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    after.at = at + 1;
    if (value > 0x7fffffff) break;
    return value;
  }
  throw new Unusual('large number');
}

/** Any 64-bit number, as two halves. */
export function rowidVarint(bytes: Uint8Array, from: number, into: RecordFields): void {
  let high = 0;
  let low = 0;
  for (let at = from; at < from + 8; at += 1) {
    const byte = bytes[at]!;
    high = (high << 7) | (low >>> 25);
    low = (low << 7) | (byte & 0x7f);
    if (byte >= 0x80) continue;
    after.at = at + 1;
    into.rowidHigh = high;
    into.rowidLow = low;
    return;
  }
  into.rowidHigh = (high << 8) | (low >>> 24);
  into.rowidLow = (low << 8) | bytes[from + 8]!;
  after.at = from + 9;
}

const SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];
export const FIRST_BYTES_TYPE = 12;

/** Parses the header of a record that begins at `from`, for its first fields, as many as `into` has room for. */
export function parseRecord(into: RecordFields, bytes: Uint8Array, view: DataView, from: number): void {
  const headerEnd = from + smallVarint(bytes, from);
  let at = after.at;
  let start = headerEnd;
  let count = 0;
  const { types, starts } = into;
  const room = types.length;
  while (at < headerEnd && count < room) {
    let type = bytes[at]!;
    if (type < 0x80) at += 1;
    else {
      type = smallVarint(bytes, at);
      at = after.at;
    }
    types[count] = type;
    starts[count] = start;
    count += 1;
    start += type >= FIRST_BYTES_TYPE ? (type - FIRST_BYTES_TYPE) >> 1 : sizeOf(type);
  }
  into.bytes = bytes;
  into.view = view;
  into.count = count;
  into.end = start;
  into.hasMore = at !== headerEnd;
}

function sizeOf(type: number): number {
  const size = SIZES[type];
  if (size === undefined) throw new Unusual('type');
  return size;
}

/** The integer read last. */
export const INTEGER = { high: 0, low: 0 };

/** Reads an integer of serial type 1 to 6, 8 or 9 into `INTEGER`. */
export function readInteger(view: DataView, at: number, type: number): void {
  let low = 0;
  if (type === 1) low = view.getInt8(at);
  else if (type === 2) low = view.getInt16(at);
  else if (type === 3) low = (view.getInt16(at) << 8) | view.getUint8(at + 2);
  else if (type === 4) low = view.getInt32(at);
  else if (type === 9) low = 1;
  else if (type !== 8) {
    INTEGER.high = type === 5 ? view.getInt16(at) : view.getInt32(at);
    INTEGER.low = view.getInt32(type === 5 ? at + 2 : at + 4);
    return;
  }
  INTEGER.high = low >> 31;
  INTEGER.low = low;
}

const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;

/** True when a float is a whole number of 64 bits: it then stands in `INTEGER`, and SQLite takes both for equal. */
export function wholeFloat(value: number): boolean {
  if (!Number.isInteger(value) || value < -TWO_63 || value >= TWO_63) return false;
  const high = Math.floor(value / TWO_32);
  INTEGER.high = high | 0;
  INTEGER.low = (value - high * TWO_32) | 0;
  return true;
}
