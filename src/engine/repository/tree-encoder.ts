import type { Content, TreeEntry } from '../sources/port.ts';
import { REF_BYTES } from './refs.ts';
import { FIXED_BYTES, FLAG, TYPE_NUMBERS } from './tree-record.ts';

let scratch = Buffer.allocUnsafeSlow(64 * 1024);
/** Room for the record's own length in front of it. */
const LENGTH_ROOM = 5;

function reserve(sizeBytes: number): void {
  if (scratch.length < sizeBytes) scratch = Buffer.allocUnsafeSlow(sizeBytes * 2);
}

function putVarint(value: number, at: number): number {
  let position = at;
  let rest = value;
  while (rest >= 0x80) {
    scratch[position] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    position += 1;
  }
  scratch[position] = rest;
  return position + 1;
}

function putBytes(bytes: Uint8Array, at: number): number {
  const position = putVarint(bytes.length, at);
  scratch.set(bytes, position);
  return position + bytes.length;
}

function putText(text: string, at: number): number {
  if (text.length === 0) {
    scratch[at] = 0;
    return at + 1;
  }
  const lengthBytes = Buffer.byteLength(text);
  const position = putVarint(lengthBytes, at);
  return position + scratch.write(text, position);
}

function putExtents(extents: NonNullable<TreeEntry['extents']>, at: number): number {
  let position = putVarint(extents.length, at);
  for (const [offset, length] of extents) position = putVarint(length, putVarint(offset, position));
  return position;
}

function putContent(content: Content, at: number): number {
  scratch[at] = content.depth;
  let position = putVarint(content.sizeBytes, at + 1);
  position = putVarint(content.refs.length / REF_BYTES, position);
  scratch.set(content.refs, position);
  return position + content.refs.length;
}

function putFixed(entry: TreeEntry, flags: number, at: number): number {
  scratch[at] = TYPE_NUMBERS[entry.type];
  scratch[at + 1] = flags;
  scratch[at + 2] = entry.mode & 0xff;
  scratch[at + 3] = entry.mode >>> 8;
  let position = putVarint(entry.gid, putVarint(entry.uid, at + 4));
  position = putText(entry.group, putText(entry.user, position));
  position = scratch.writeBigInt64LE(entry.modifiedAtNs, position);
  position = scratch.writeBigInt64LE(entry.changedAtNs, position);
  position = scratch.writeBigUInt64LE(entry.inode, position);
  position = putVarint(entry.sizeBytes, position);
  return scratch.writeBigUInt64LE(entry.deviceNumber, position);
}

/** The bytes the variable parts of a record take at most. */
function variableBytes(entry: TreeEntry): number {
  return (
    3 * (entry.user.length + entry.group.length) +
    entry.path.length +
    (entry.linkTarget?.length ?? 0) +
    (entry.hardLinkTo?.length ?? 0) +
    16 * (entry.extents?.length ?? 0) +
    (entry.content?.refs.length ?? 0)
  );
}

/**
 * One record. The result is a view of a shared buffer, good until the next call: write it or copy it at once.
 * The caller vouches for a valid entry; the decoder is the one that checks.
 */
export function encodeTreeEntry(entry: TreeEntry): Buffer {
  reserve(FIXED_BYTES + variableBytes(entry));
  const { linkTarget, hardLinkTo, extents, content } = entry;
  const flags =
    (linkTarget ? FLAG.linkTarget : 0) |
    (hardLinkTo ? FLAG.hardLink : 0) |
    (extents ? FLAG.extents : 0) |
    (content ? FLAG.content : 0);
  let end = putFixed(entry, flags, LENGTH_ROOM);
  end = putBytes(entry.path, end);
  if (linkTarget) end = putBytes(linkTarget, end);
  if (hardLinkTo) end = putBytes(hardLinkTo, end);
  if (extents) end = putExtents(extents, end);
  if (content) end = putContent(content, end);
  const lengthBytes = end - LENGTH_ROOM;
  const begin =
    LENGTH_ROOM - (lengthBytes < 0x80 ? 1 : lengthBytes < 0x4000 ? 2 : lengthBytes < 0x200000 ? 3 : 4);
  putVarint(lengthBytes, begin);
  return scratch.subarray(begin, end);
}
