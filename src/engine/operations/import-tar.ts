/**
 * Reads tars that other programs made: POSIX ustar and pax, and GNU tar with its long names. Nothing is believed: names are checked,
 * sizes counted, and what cannot be taken over faithfully is refused by name.
 */
import { type ByteReader, byteReader } from '../bundle/byte-reader.ts';
import { checkEntryPath } from '../bundle/entry-path.ts';
import { type BundleLimits, limitExceeded, malformed } from '../bundle/limits.ts';
import { decodePax, type PaxRecords } from '../bundle/pax.ts';
import { BLOCK_BYTES, paddingOf } from '../bundle/tar-block.ts';

export interface ForeignEntry {
  /** Relative, without `./` before it or `/` behind it; empty for the root. */
  readonly path: Buffer;
  readonly kind: 'file' | 'folder' | 'symlink' | 'hardlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly modifiedAtNs: bigint;
  readonly sizeBytes: number;
  readonly linkTarget: Buffer | null;
  /** To be read before the next entry is asked for; what is left is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Of an extended header or a long name: real ones are a few hundred bytes. */
const MAX_EXTENSION_BYTES = 2 ** 20;
const KINDS: Readonly<Record<string, ForeignEntry['kind']>> = {
  ...{ '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink', '2': 'symlink', '5': 'folder' },
  ...{ '3': 'other', '4': 'other', '6': 'other' },
};

/** Throws `bundle_malformed`, `path_unsafe`, `limit_exceeded`. */
export async function* readForeignTar(
  source: AsyncIterable<Uint8Array>,
  limits: BundleLimits,
): AsyncGenerator<ForeignEntry> {
  const reader = byteReader(source);
  let next: Extensions = {};
  let entries = 0;
  try {
    while (!(await reader.atEnd())) {
      const block = Buffer.from(await reader.exactly(BLOCK_BYTES));
      if (block.every((byte) => byte === 0)) return;
      const header = decodeHeader(block);
      entries += 1;
      if (entries > limits.maxEntries) throw limitExceeded('entries', limits.maxEntries);
      if ('xgLK'.includes(header.type)) {
        next = await extended(reader, header, next);
        continue;
      }
      const { entry, storedBytes } = entryOf(header, next, limits);
      next = {};
      let left = storedBytes;
      async function* content() {
        while (left > 0) {
          const bytes = await reader.some(left);
          left -= bytes.length;
          yield bytes;
        }
      }
      yield { ...entry, content: content() };
      for (; left > 0; ) left -= (await reader.some(left)).length;
      await reader.exactly(paddingOf(storedBytes));
    }
    throw malformed('ends without the end mark of a tar');
  } finally {
    await reader.close();
  }
}

interface Extensions {
  readonly path?: Buffer;
  readonly linkTarget?: Buffer;
  readonly records?: PaxRecords;
}

type Header = ReturnType<typeof decodeHeader>;

async function extended(reader: ByteReader, header: Header, before: Extensions): Promise<Extensions> {
  const { sizeBytes, type } = header;
  if (sizeBytes > MAX_EXTENSION_BYTES) throw limitExceeded('a tar header', MAX_EXTENSION_BYTES);
  const bytes = Buffer.from(await reader.exactly(sizeBytes));
  await reader.exactly(paddingOf(sizeBytes));
  if (type === 'g') return before;
  if (type === 'x') return { ...before, records: decodePax(bytes) };
  const end = bytes.indexOf(0);
  const name = end < 0 ? bytes : bytes.subarray(0, end);
  return type === 'L' ? { ...before, path: name } : { ...before, linkTarget: name };
}

function entryOf(header: Header, { path, linkTarget, records }: Extensions, limits: BundleLimits) {
  const numberIn = (key: string) => {
    const text = records?.get(key)?.toString('latin1');
    if (text === undefined) return null;
    if (!/^\d{1,15}(\.\d+)?$/.test(text)) throw malformed(`has a tar header whose ${key} is no number`);
    return text;
  };
  const isSparse =
    header.type === 'S' || [...(records?.keys() ?? [])].some((key) => key.startsWith('GNU.sparse.'));
  const kind = KINDS[header.type];
  if (isSparse || kind === undefined)
    throw malformed(
      `holds ${isSparse ? 'a sparse file' : `an entry of the type ${JSON.stringify(header.type)}`}, which cannot be taken over`,
    );
  const plain = relative(records?.get('path') ?? path ?? header.name);
  if (plain.length > 0) checkEntryPath(plain, limits);
  const target = records?.get('linkpath') ?? linkTarget ?? header.linkName;
  if (kind === 'hardlink') checkEntryPath(relative(target), limits);
  if (
    kind === 'symlink' &&
    (target.length === 0 || target.length > limits.maxPathBytes || target.includes(0))
  )
    throw malformed('holds a link to something that is no path');
  const storedBytes = kind === 'file' ? Number(numberIn('size') ?? header.sizeBytes) : 0;
  if (storedBytes > limits.maxFileBytes) throw limitExceeded('a file', limits.maxFileBytes);
  const seconds = numberIn('mtime');
  return {
    storedBytes,
    entry: {
      ...{ path: plain, kind, mode: header.mode & 0o7777, sizeBytes: storedBytes },
      uid: Number(numberIn('uid') ?? header.uid),
      gid: Number(numberIn('gid') ?? header.gid),
      user: records?.get('uname')?.toString('utf8') ?? header.user,
      group: records?.get('gname')?.toString('utf8') ?? header.group,
      modifiedAtNs: seconds === null ? BigInt(header.mtimeSeconds) * 1_000_000_000n : nanoseconds(seconds),
      linkTarget: kind === 'hardlink' ? relative(target) : kind === 'symlink' ? target : null,
    },
  };
}

function nanoseconds(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole!) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

/** What `tar -C folder .` puts before every name says nothing. */
function relative(path: Buffer): Buffer {
  let from = 0;
  while (path[from] === 0x2e && path[from + 1] === 0x2f) from += 2;
  let to = path.length;
  while (to > from && path[to - 1] === 0x2f) to -= 1;
  const plain = path.subarray(from, to);
  // A path of slashes alone is absolute, and checked as such.
  if (plain.length === 0) return path[0] === 0x2f ? path : plain;
  return plain.length === 1 && plain[0] === 0x2e ? plain.subarray(1) : plain;
}

function decodeHeader(block: Buffer) {
  const magic = block.toString('latin1', 257, 263);
  if (magic !== 'ustar\0' && magic !== 'ustar ') throw malformed('holds something that is no tar header');
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i += 1) if (i < 148 || i >= 156) sum += block[i]!;
  if (number(block, 148, 8) !== sum) throw malformed('has a tar header with a wrong checksum');
  const prefix = magic === 'ustar\0' ? field(block, 345, 155) : Buffer.alloc(0);
  const name = field(block, 0, 100);
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    mode: number(block, 100, 8),
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    sizeBytes: number(block, 124, 12),
    mtimeSeconds: number(block, 136, 12),
    type: String.fromCharCode(block[156]!),
    linkName: field(block, 157, 100),
    user: field(block, 265, 32).toString('utf8'),
    group: field(block, 297, 32).toString('utf8'),
  };
}

function field(block: Buffer, at: number, width: number): Buffer {
  const bytes = block.subarray(at, at + width);
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal digits, or GNU's base 256 behind a set first bit. Never negative. */
function number(block: Buffer, at: number, width: number): number {
  if (block[at]! & 0x80) {
    if (block[at] !== 0x80) throw malformed('has a tar header with a number out of range');
    const high = block.subarray(at + 1, at + width - 6);
    if (high.some((byte) => byte !== 0)) throw malformed('has a tar header with a number out of range');
    return block.readUIntBE(at + width - 6, 6);
  }
  const text = field(block, at, width).toString('latin1').trim();
  if (!/^[0-7]*$/.test(text)) throw malformed('has a tar header with a field that is no number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}
