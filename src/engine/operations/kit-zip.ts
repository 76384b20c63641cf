/** Writes a zip archive (APPNOTE.TXT 6.3.10) in memory: for a few small files, readable by everyone's tools. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFile {
  /** Slash-separated, ASCII. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

const DEFLATED = 8;
const VERSION = 20;
/** The upper byte says that attributes are those of Unix. */
const MADE_BY = 0x0300 | VERSION;
const REGULAR_FILE = 0o100000;

export function zipArchive(files: readonly ZipFile[], timeMs: number): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.name);
    const packed = deflateRawSync(file.bytes, { level: 9 });
    const fields = commonFields(file, packed, name, timeMs);
    const local = Buffer.concat([signature(0x04034b50), fields, name]);
    directory.push(directoryEntry(file, fields, name, offset));
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endRecord(files.length, central.length, offset)]);
}

function signature(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** What local header and directory share: version to length of the extra field. */
function commonFields(file: ZipFile, packed: Buffer, name: Buffer, timeMs: number): Buffer {
  const time = new Date(timeMs);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(DEFLATED, 4);
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1);
  fields.writeUInt16LE(clock, 6);
  const day = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  fields.writeUInt16LE(day, 8);
  fields.writeUInt32LE(crc32(file.bytes), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(file.bytes.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function directoryEntry(file: ZipFile, fields: Buffer, name: Buffer, offset: number): Buffer {
  const madeBy = Buffer.alloc(2);
  madeBy.writeUInt16LE(MADE_BY);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(((REGULAR_FILE | file.mode) << 16) >>> 0, 6);
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([signature(0x02014b50), madeBy, fields, rest, name]);
}

function endRecord(count: number, directoryBytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
