/** The 512-byte header block of POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"). */
import { malformed } from './limits.ts';

export const BLOCK_BYTES = 512;

export interface TarBlock {
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  /** One character: `0` file … `6` fifo, `x` extended header. */
  readonly type: string;
  readonly linkName: Buffer;
  readonly user: Buffer;
  readonly group: Buffer;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const MAGIC = Buffer.from('ustar\x0000', 'latin1');
const NO_BYTES = Buffer.alloc(0);
const BLANK = 0x20;
const ZERO = 0x30;

export const NAME_BYTES = 100;
export const USER_BYTES = 31;
/** The largest number of an 8-byte and of a 12-byte field. */
export const MAX_SHORT = 8 ** 7 - 1;
export const MAX_LONG = 8 ** 11 - 1;

/** Bytes that fill `size` up to whole blocks. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Every value must fit its field; what does not goes into an extended header first. */
export function encodeBlock(block: TarBlock): Buffer {
  const out = Buffer.alloc(BLOCK_BYTES);
  block.name.copy(out, 0);
  writeOctal(out, 100, 8, block.mode);
  writeOctal(out, 108, 8, block.uid);
  writeOctal(out, 116, 8, block.gid);
  writeOctal(out, 124, 12, block.size);
  writeOctal(out, 136, 12, block.mtimeSeconds);
  out.write(block.type, 156, 'latin1');
  block.linkName.copy(out, 157);
  MAGIC.copy(out, 257);
  block.user.copy(out, 265);
  block.group.copy(out, 297);
  writeOctal(out, 329, 8, block.deviceMajor);
  writeOctal(out, 337, 8, block.deviceMinor);
  out.write(`${checksum(out).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return out;
}

/** Null for a block of zeros, the mark of the end. Throws `bundle_malformed`. */
export function decodeBlock(block: Buffer): TarBlock | null {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return null;
  if (MAGIC.compare(block, 257, 265) !== 0) throw malformed('holds something that is no tar header');
  if (readOctal(block, 148, 8) !== checksum(block)) throw malformed('has a tar header with a wrong checksum');
  const prefix = readText(block, 345, 155);
  const name = readText(block, 0, NAME_BYTES);
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    mode: readOctal(block, 100, 8),
    uid: readOctal(block, 108, 8),
    gid: readOctal(block, 116, 8),
    size: readOctal(block, 124, 12),
    mtimeSeconds: readOctal(block, 136, 12),
    type: String.fromCharCode(block[156]!),
    linkName: readText(block, 157, NAME_BYTES),
    user: readText(block, 265, 32),
    group: readText(block, 297, 32),
    deviceMajor: readOctal(block, 329, 8),
    deviceMinor: readOctal(block, 337, 8),
  };
}

/** A block with everything empty but its name, type and size. */
export function bareBlock(name: Buffer, type: string, size: number): TarBlock {
  const zeros = { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0, deviceMajor: 0, deviceMinor: 0 };
  return { name, type, size, linkName: NO_BYTES, user: NO_BYTES, group: NO_BYTES, ...zeros };
}

/** The sum of all bytes, with blanks in place of the checksum itself. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i += 1) sum += block[i]!;
  for (let i = 156; i < BLOCK_BYTES; i += 1) sum += block[i]!;
  return sum;
}

function writeOctal(out: Buffer, at: number, width: number, value: number): void {
  out.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}

/** Blanks, octal digits, then blanks and NUL; nothing at all is 0. Byte by byte: it runs seven times an entry. */
function readOctal(block: Buffer, at: number, width: number): number {
  const end = at + width;
  let i = at;
  while (i < end && block[i] === BLANK) i += 1;
  let value = 0;
  for (; i < end; i += 1) {
    const digit = block[i]! - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; i < end; i += 1) {
    if (block[i] !== BLANK && block[i] !== 0)
      throw malformed('has a tar header with a field that is no number');
  }
  return value;
}

function readText(block: Buffer, at: number, width: number): Buffer {
  if (block[at] === 0) return NO_BYTES;
  const field = block.subarray(at, at + width);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end));
}
