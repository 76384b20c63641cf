import { Unusual } from './pages.ts';
import { FIRST_BYTES_TYPE, INTEGER, type RecordFields, readInteger, wholeFloat } from './record.ts';

/**
 * Sums of keyed 64-bit hashes: two collections of entries have equal sums when they hold the same entries, however often and in
 * whatever order; otherwise with a chance of 2^-64. Not against somebody who knows the key.
 */
export interface Multiset {
  begin(): void;
  /** One field of the entry; equal values in SQLite's sense are alike: 5 and 5.0. */
  field(record: RecordFields, index: number): void;
  rowid(record: RecordFields): void;
  /** Adds the entry to sum number `sum`. */
  add(sum: number): void;
  /** A sum as text. */
  sumOf(sum: number): string;
}

const NOTHING = 0x51ed270b;
const WHOLE = 0x2c1b3c6d;
const FLOAT = 0x297a2d39;

export function multiset(sums: number, key: Int32Array): Multiset {
  const [keyA, keyB] = [key[0]!, key[1]!];
  const totals = new Int32Array(2 * sums);
  const counts = new Float64Array(sums);
  let a = 0;
  let b = 0;
  const mix = (word: number) => {
    a = Math.imul(a ^ word, 0x85ebca6b);
    a = (a << 13) | (a >>> 19);
    b = Math.imul((b + word) | 0, 0xc2b2ae35);
    b = ((b << 17) | (b >>> 15)) ^ a;
  };
  const mixInteger = () => {
    mix(WHOLE);
    mix(INTEGER.high);
    mix(INTEGER.low);
  };
  const mixFloat = (view: DataView, at: number) => {
    const value = view.getFloat64(at);
    if (Number.isNaN(value)) mix(NOTHING);
    else if (wholeFloat(value)) mixInteger();
    else {
      mix(FLOAT);
      mix(view.getInt32(at));
      mix(view.getInt32(at + 4));
    }
  };
  const mixBytes = (view: DataView, from: number, type: number) => {
    mix(type);
    const end = from + ((type - FIRST_BYTES_TYPE) >> 1);
    let at = from;
    for (; at + 4 <= end; at += 4) mix(view.getInt32(at));
    let rest = 0;
    for (; at < end; at += 1) rest = (rest << 8) | view.getUint8(at);
    mix(rest);
  };
  return {
    begin() {
      a = keyA;
      b = keyB;
    },
    field({ view, types, starts }, index) {
      const type = types[index]!;
      const at = starts[index]!;
      if (type >= FIRST_BYTES_TYPE) mixBytes(view, at, type);
      else if (type === 0) mix(NOTHING);
      else if (type === 7) mixFloat(view, at);
      else if (type > 9) throw new Unusual('type');
      else {
        readInteger(view, at, type);
        mixInteger();
      }
    },
    rowid({ rowidHigh, rowidLow }) {
      mix(WHOLE);
      mix(rowidHigh);
      mix(rowidLow);
    },
    add(sum) {
      const low = finished(a ^ keyB);
      const high = finished(b ^ low);
      totals[2 * sum] = totals[2 * sum]! + low;
      totals[2 * sum + 1] = totals[2 * sum + 1]! + high;
      counts[sum] = counts[sum]! + 1;
    },
    sumOf: (sum) => `${counts[sum]} ${totals[2 * sum]} ${totals[2 * sum + 1]}`,
  };
}

function finished(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
