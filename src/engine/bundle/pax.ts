/** Extended header records (IEEE Std 1003.1, pax, "pax Extended Header"): `length key=value\n`, values as bytes. */
import { malformed } from './limits.ts';

export type PaxRecords = ReadonlyMap<string, Buffer>;

const MAX_KEY_BYTES = 64;
const EQUALS = 0x3d;
const BLANK = 0x20;
const LINE_END = 0x0a;

/** Records in the map's order. */
export function encodePax(records: PaxRecords): Buffer {
  return Buffer.concat([...records].map(([key, value]) => encodeRecord(key, value)));
}

/** Throws `bundle_malformed`. A key given twice takes its last value. */
export function decodePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const blank = bytes.indexOf(BLANK, at);
    const digits = blank < 0 || blank - at > 10 ? '' : bytes.toString('latin1', at, blank);
    const end = at + (/^[1-9]\d*$/.test(digits) ? Number(digits) : Number.NaN);
    // Written so that a length that is no number fails too.
    if (!(end > blank + 1 && end <= bytes.length) || bytes[end - 1] !== LINE_END) throw broken();
    const equals = bytes.indexOf(EQUALS, blank);
    if (equals < 0 || equals >= end || equals - blank - 1 > MAX_KEY_BYTES) throw broken();
    records.set(
      bytes.toString('latin1', blank + 1, equals),
      Buffer.from(bytes.subarray(equals + 1, end - 1)),
    );
    at = end;
  }
  return records;
}

/** The length counts itself, so one more digit may need one more digit. */
function encodeRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.of(LINE_END)]);
}

function broken() {
  return malformed('has an extended tar header that does not parse');
}
