/**
 * Whatever is decoded may be hostile: every length is bounded, every path is checked, and the order is
 * enforced, so that later code need not look again.
 */

import { HoldfastError } from '../base/errors.ts';
import { compareTreePaths } from '../base/tree-order.ts';
import type { Content, TreeEntry } from '../sources/port.ts';
import { REF_BYTES } from './refs.ts';
import {
  FLAG,
  MAX_DEPTH,
  MAX_EXTENTS,
  MAX_LINK_TARGET_BYTES,
  MAX_NAME_BYTES,
  MAX_OWNER_BYTES,
  MAX_PATH_BYTES,
  MAX_RECORD_BYTES,
  MAX_REFS,
  TYPES,
} from './tree-record.ts';

const damaged = (why: string) => new HoldfastError('object_damaged', `tree record: ${why}`);

/** Where the record being decoded lies. One decoder at a time uses it, between two yields. */
interface Cursor {
  bytes: Buffer;
  at: number;
  end: number;
}

function takeByte(cursor: Cursor): number {
  if (cursor.at >= cursor.end) throw damaged('cut short');
  const value = cursor.bytes[cursor.at]!;
  cursor.at += 1;
  return value;
}

function takeVarint(cursor: Cursor, max: number, what: string): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = takeByte(cursor);
    value += (byte & 0x7f) * scale;
    if (value > max) throw damaged(`${what} is too large`);
    if (byte < 0x80) {
      if (byte === 0 && scale > 1) throw damaged(`${what} is not in its shortest form`);
      return value;
    }
    scale *= 0x80;
    if (scale > 2 ** 56) throw damaged(`${what} is too large`);
  }
}

function takeBytes(cursor: Cursor, lengthBytes: number): Buffer {
  const end = cursor.at + lengthBytes;
  if (end > cursor.end) throw damaged('cut short');
  const part = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return part;
}

function takeText(cursor: Cursor): string {
  const lengthBytes = takeVarint(cursor, MAX_OWNER_BYTES, 'owner name');
  if (lengthBytes === 0) return '';
  const end = cursor.at + lengthBytes;
  if (end > cursor.end) throw damaged('cut short');
  const text = cursor.bytes.toString('utf8', cursor.at, end);
  cursor.at = end;
  return text;
}

/** Throws unless every component is a plain name: not empty, not `.` or `..`, no NUL, at most 255 bytes. */
function checkPath(path: Uint8Array): void {
  const length = path.length;
  let begin = 0;
  for (let i = 0; i <= length; i += 1) {
    const byte = i < length ? path[i]! : 0x2f;
    if (byte === 0) throw damaged('a path holds a NUL byte');
    if (byte !== 0x2f) continue;
    const size = i - begin;
    if (size === 0) {
      if (length === 0) return;
      throw damaged('a path has an empty component');
    }
    if (size > MAX_NAME_BYTES) throw damaged('a name is too long');
    if (size <= 2 && path[begin] === 0x2e && path[i - 1] === 0x2e)
      throw damaged('a path has a dot component');
    begin = i + 1;
  }
}

function takePath(cursor: Cursor, what: string): Buffer {
  const path = takeBytes(cursor, takeVarint(cursor, MAX_PATH_BYTES, what));
  checkPath(path);
  return path;
}

function takeExtents(cursor: Cursor, sizeBytes: number): [number, number][] {
  const many = takeVarint(cursor, MAX_EXTENTS, 'number of extents');
  const extents: [number, number][] = [];
  let end = -1;
  for (let i = 0; i < many; i += 1) {
    const offset = takeVarint(cursor, sizeBytes, 'extent offset');
    const length = takeVarint(cursor, sizeBytes - offset, 'extent length');
    if (offset <= end || length === 0) throw damaged('extents are not ascending');
    end = offset + length;
    extents.push([offset, length]);
  }
  return extents;
}

function takeContent(cursor: Cursor): Content {
  const depth = takeByte(cursor);
  if (depth > MAX_DEPTH) throw damaged('content is nested too deep');
  const sizeBytes = takeVarint(cursor, Number.MAX_SAFE_INTEGER, 'content size');
  const many = takeVarint(cursor, MAX_REFS, 'number of references');
  const refs = takeBytes(cursor, many * REF_BYTES);
  if ((sizeBytes === 0) !== (many === 0)) throw damaged('references do not fit the content size');
  return { sizeBytes, depth, refs };
}

/** Throws unless the parts of an entry fit its type and each other. */
function checkParts(entry: TreeEntry): void {
  const { type, content, extents, hardLinkTo, linkTarget, sizeBytes } = entry;
  if (type !== 'file' && (content || extents || sizeBytes !== 0)) throw damaged(`a ${type} has content`);
  if ((type === 'symlink') !== (linkTarget !== null)) throw damaged('a link target does not fit the type');
  if (hardLinkTo) {
    if (content || extents || type === 'folder') throw damaged('a hard link has content of its own');
    if (compareTreePaths(hardLinkTo, entry.path) >= 0) throw damaged('a hard link refers to a later entry');
    return;
  }
  if (type !== 'file') return;
  const stored = extents ? extents.reduce((sum, extent) => sum + extent[1], 0) : sizeBytes;
  if (stored !== (content?.sizeBytes ?? 0)) throw damaged('the content does not have the size of the file');
}

function takeEntry(cursor: Cursor): TreeEntry {
  const type = TYPES[takeByte(cursor)];
  if (type === undefined) throw damaged('unknown type');
  const flags = takeByte(cursor);
  if (flags > 15) throw damaged('unknown flags');
  const mode = takeByte(cursor) | (takeByte(cursor) << 8);
  if (mode > 0o7777) throw damaged('unknown mode bits');
  const uid = takeVarint(cursor, 0xffffffff, 'owner');
  const gid = takeVarint(cursor, 0xffffffff, 'group');
  const user = takeText(cursor);
  const group = takeText(cursor);
  if (cursor.end - cursor.at < 33) throw damaged('cut short');
  const { bytes } = cursor;
  const modifiedAtNs = bytes.readBigInt64LE(cursor.at);
  const changedAtNs = bytes.readBigInt64LE(cursor.at + 8);
  const inode = bytes.readBigUInt64LE(cursor.at + 16);
  cursor.at += 24;
  const sizeBytes = takeVarint(cursor, Number.MAX_SAFE_INTEGER, 'size');
  if (cursor.end - cursor.at < 8) throw damaged('cut short');
  const deviceNumber = bytes.readBigUInt64LE(cursor.at);
  cursor.at += 8;
  const path = takePath(cursor, 'path');
  const linkTarget = flags & FLAG.linkTarget ? takeLinkTarget(cursor) : null;
  const hardLinkTo = flags & FLAG.hardLink ? takePath(cursor, 'hard link') : null;
  const extents = flags & FLAG.extents ? takeExtents(cursor, sizeBytes) : null;
  const content = flags & FLAG.content ? takeContent(cursor) : null;
  if (cursor.at !== cursor.end) throw damaged('its length is wrong');
  // biome-ignore format: one line keeps this hot object's shape in view
  const entry: TreeEntry = { path, type, mode, uid, gid, user, group, modifiedAtNs, changedAtNs, inode, sizeBytes, linkTarget, hardLinkTo, deviceNumber, extents, content };
  checkParts(entry);
  return entry;
}

function takeLinkTarget(cursor: Cursor): Buffer {
  const target = takeBytes(cursor, takeVarint(cursor, MAX_LINK_TARGET_BYTES, 'link target'));
  if (target.length === 0 || target.includes(0)) throw damaged('a link target is empty or holds a NUL byte');
  return target;
}

/** The record's length and where its body begins, or null when the length itself is not complete yet. */
function recordLength(bytes: Buffer, at: number): { lengthBytes: number; body: number } | null {
  let value = 0;
  for (let i = 0; i < 4; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value |= (byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    if (value > MAX_RECORD_BYTES) throw damaged('too long');
    return { lengthBytes: value, body: at + i + 1 };
  }
  throw damaged('too long');
}

/** Decodes the whole records in `bytes` and says where the first incomplete one begins and what it needs. */
function takeRecords(
  bytes: Buffer,
  last: Buffer | null,
): { entries: TreeEntry[]; rest: number; needed: number } {
  const entries: TreeEntry[] = [];
  let at = 0;
  let before = last;
  for (;;) {
    const record = recordLength(bytes, at);
    if (record === null) return { entries, rest: at, needed: 0 };
    const end = record.body + record.lengthBytes;
    if (end > bytes.length) return { entries, rest: at, needed: end - at };
    const entry = takeEntry({ bytes, at: record.body, end });
    if (before !== null && compareTreePaths(before, entry.path) >= 0) throw damaged('out of order');
    before = entry.path;
    entries.push(entry);
    at = end;
  }
}

/** Decodes records piece by piece. Paths are strictly ascending over all of them. Throws `object_damaged`. */
export interface TreeRecords {
  /** The entries that this piece completes: views of memory of their own, so that keeping one keeps the batch's bytes. */
  push(piece: Uint8Array): TreeEntry[];
  /** All that what comes next depends on. */
  state(): readonly Buffer[];
  /** Goes on as if what led to this state had been pushed. */
  resume(state: readonly Buffer[]): void;
  /** Throws when a record is not whole. */
  end(): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

export function treeRecords(): TreeRecords {
  let parts: Uint8Array[] = [];
  let heldBytes = 0;
  let neededBytes = 0;
  let last: Buffer | null = null;
  return {
    push(piece) {
      parts.push(piece);
      heldBytes += piece.length;
      // A long record in many small pieces is joined once, not at every piece.
      if (heldBytes < neededBytes) {
        parts[parts.length - 1] = Buffer.from(piece);
        return [];
      }
      const bytes = Buffer.concat(parts, heldBytes);
      const { entries, rest, needed } = takeRecords(bytes, last);
      parts = rest < bytes.length ? [bytes.subarray(rest)] : [];
      heldBytes = bytes.length - rest;
      neededBytes = needed;
      last = entries.at(-1)?.path ?? last;
      return entries;
    },
    state: () => [Buffer.concat(parts, heldBytes), ...(last === null ? [] : [last])],
    resume([rest = NOTHING, before = null]) {
      parts = rest.length > 0 ? [rest] : [];
      heldBytes = rest.length;
      neededBytes = 0;
      last = before;
    },
    end() {
      if (heldBytes > 0) throw damaged('the stream ends within a record');
    },
  };
}

/** Decodes a stream of records, a batch for every piece that completes at least one. See `TreeRecords`. */
export async function* decodeTreeBatches(stream: AsyncIterable<Uint8Array>): AsyncGenerator<TreeEntry[]> {
  const records = treeRecords();
  for await (const piece of stream) {
    const entries = records.push(piece);
    if (entries.length > 0) yield entries;
  }
  records.end();
}

/**
 * As `decodeTreeBatches`, one entry at a time. By hand instead of as a generator, which would cost several promises
 * per entry; the batches are faster still.
 */
export function decodeTreeEntries(
  stream: AsyncIterable<Uint8Array>,
): AsyncIterableIterator<TreeEntry, undefined> & { ready(): TreeEntry | null } {
  const batches = decodeTreeBatches(stream);
  let batch: TreeEntry[] = [];
  let next = 0;
  const refill = async (): Promise<IteratorResult<TreeEntry, undefined>> => {
    const { value, done } = await batches.next();
    if (done === true) {
      batch = [];
      next = 0;
      return { value: undefined, done: true };
    }
    batch = value;
    next = 1;
    return { value: batch[0]!, done: false };
  };
  const ready = (): TreeEntry | null => {
    const value = batch[next];
    if (value === undefined) return null;
    next += 1;
    return value;
  };
  return {
    ready,
    next() {
      const value = ready();
      return value === null ? refill() : Promise.resolve({ value, done: false });
    },
    async return() {
      batch = [];
      next = 0;
      await batches.return(undefined);
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
