import { Unusual } from './pages.ts';
import { FIRST_BYTES_TYPE, INTEGER, type RecordFields, readInteger, wholeFloat } from './record.ts';

/** Below 0 when field `index` of `a` comes before that of `b` in an ascending index; 0 when SQLite takes them for equal. */
export function compareFields(a: RecordFields, b: RecordFields, index: number, foldsCase: boolean): number {
  const typeA = typeOf(a, index);
  const typeB = typeOf(b, index);
  const kind = kindOf(typeA);
  const difference = kind - kindOf(typeB);
  if (difference !== 0 || kind === 0) return difference;
  const atA = a.starts[index]!;
  const atB = b.starts[index]!;
  if (kind === 1) return compareNumbers(a.view, atA, typeA, b.view, atB, typeB);
  const lengthA = (typeA - FIRST_BYTES_TYPE) >> 1;
  const lengthB = (typeB - FIRST_BYTES_TYPE) >> 1;
  const folded = foldsCase && kind === 2;
  return compareBytes(a, atA, b, atB, Math.min(lengthA, lengthB), folded) || lengthA - lengthB;
}

export function compareRowids(a: RecordFields, b: RecordFields): number {
  return a.rowidHigh - b.rowidHigh || (a.rowidLow >>> 0) - (b.rowidLow >>> 0);
}

/** What is no number is nothing. */
function typeOf({ types, starts, view }: RecordFields, index: number): number {
  const type = types[index]!;
  if (type === 7 && Number.isNaN(view.getFloat64(starts[index]!))) return 0;
  if (type === 10 || type === 11) throw new Unusual('type');
  return type;
}

/** NULL, numbers, text, blobs: in this order. */
function kindOf(type: number): number {
  if (type >= FIRST_BYTES_TYPE) return (type & 1) === 1 ? 2 : 3;
  return type === 0 ? 0 : 1;
}

export const isNull = (record: RecordFields, index: number) => typeOf(record, index) === 0;

function compareBytes(
  a: RecordFields,
  atA: number,
  b: RecordFields,
  atB: number,
  length: number,
  folded: boolean,
): number {
  let i = 0;
  while (i + 4 <= length && a.view.getInt32(atA + i) === b.view.getInt32(atB + i)) i += 4;
  for (; i < length; i += 1) {
    const byteA = a.bytes[atA + i]!;
    const byteB = b.bytes[atB + i]!;
    if (byteA === byteB) continue;
    const difference = folded ? lower(byteA) - lower(byteB) : byteA - byteB;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** As NOCASE does: 26 letters. */
const lower = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

const TWO_32 = 2 ** 32;

function compareNumbers(
  viewA: DataView,
  atA: number,
  typeA: number,
  viewB: DataView,
  atB: number,
  typeB: number,
): number {
  const isWholeA = whole(viewA, atA, typeA);
  const { high, low } = INTEGER;
  const isWholeB = whole(viewB, atB, typeB);
  if (isWholeA && isWholeB) return high - INTEGER.high || (low >>> 0) - (INTEGER.low >>> 0);
  // A float that is no whole number of 64 bits has a fraction, and then fewer bits before it than a number can hold, or lies beyond them all.
  const a = isWholeA ? rounded(high, low) : viewA.getFloat64(atA);
  const b = isWholeB ? rounded(INTEGER.high, INTEGER.low) : viewB.getFloat64(atB);
  if (a !== b) return a < b ? -1 : 1;
  // The largest of 64 bits is rounded up to the smallest beyond them.
  return isWholeA ? -1 : isWholeB ? 1 : 0;
}

function whole(view: DataView, at: number, type: number): boolean {
  if (type === 7) return wholeFloat(view.getFloat64(at));
  readInteger(view, at, type);
  return true;
}

const rounded = (high: number, low: number) => high * TWO_32 + (low >>> 0);
