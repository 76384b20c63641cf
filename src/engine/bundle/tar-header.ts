/** Between bundle items and tar headers. What is written how: docs/format.md section 10. */
import type { BundleItem, BundleItemKind } from './bundle-item.ts';
import { malformed } from './limits.ts';
import { decodePax, encodePax, type PaxRecords } from './pax.ts';
import {
  bareBlock,
  decodeBlock,
  encodeBlock,
  MAX_LONG,
  MAX_SHORT,
  NAME_BYTES,
  paddingOf,
  type TarBlock,
  USER_BYTES,
} from './tar-block.ts';

/** Everything of an item but its content; `storedBytes` of it follow the header, `sparse` when a map comes first. */
export interface TarHeader extends Omit<BundleItem, 'content' | 'extents'> {
  readonly storedBytes: number;
  readonly sparse: boolean;
}

const TYPES: readonly (readonly [BundleItemKind, string])[] = [
  ['file', '0'],
  ['hardlink', '1'],
  ['symlink', '2'],
  ['character', '3'],
  ['block', '4'],
  ['folder', '5'],
  ['fifo', '6'],
];

const NS = 1_000_000_000n;
const I64_MAX = 2n ** 63n - 1n;

/** All header blocks of an item: an extended header where the plain one cannot hold it, then the plain one. */
export function encodeTarHeader(item: Omit<BundleItem, 'content'>, storedBytes: number): Buffer {
  const records = paxRecordsOf(item, storedBytes);
  const block = encodeBlock(plainBlock(item, storedBytes));
  if (records.size === 0) return block;
  const body = encodePax(records);
  const head = encodeBlock(bareBlock(Buffer.from('PaxHeaders/entry'), 'x', body.length));
  return Buffer.concat([head, body, Buffer.alloc(paddingOf(body.length)), block]);
}

function plainBlock(item: Omit<BundleItem, 'content'>, storedBytes: number): TarBlock {
  const seconds = floorSeconds(item.modifiedAtNs);
  const [major, minor] = splitDevice(item.deviceNumber);
  const name = item.extents ? Buffer.from('GNUSparseFile.0/entry') : tarName(item);
  return {
    name: fits(name, NAME_BYTES) ? name : sketch(name, NAME_BYTES),
    mode: item.mode & 0o7777,
    uid: item.uid <= MAX_SHORT ? item.uid : 0,
    gid: item.gid <= MAX_SHORT ? item.gid : 0,
    size: storedBytes <= MAX_LONG ? storedBytes : 0,
    mtimeSeconds: seconds >= 0n && seconds <= BigInt(MAX_LONG) ? Number(seconds) : 0,
    type: TYPES.find(([kind]) => kind === item.kind)?.[1] ?? '0',
    linkName: item.linkTarget ? sketch(item.linkTarget, NAME_BYTES) : Buffer.alloc(0),
    user: sketch(Buffer.from(item.user), USER_BYTES),
    group: sketch(Buffer.from(item.group), USER_BYTES),
    deviceMajor: Math.min(Number(major), MAX_SHORT),
    deviceMinor: Math.min(Number(minor), MAX_SHORT),
  };
}

function paxRecordsOf(item: Omit<BundleItem, 'content'>, storedBytes: number): PaxRecords {
  const records = new Map<string, Buffer>();
  const put = (key: string, value: string | Buffer | bigint | number) =>
    records.set(key, Buffer.isBuffer(value) ? value : Buffer.from(String(value)));
  const name = tarName(item);
  const link = item.linkTarget;
  // POSIX: with this record, names that follow are bytes of no known encoding.
  if (!isUtf8(name) || (link !== null && !isUtf8(link))) put('hdrcharset', 'BINARY');
  if (item.extents !== null) {
    put('GNU.sparse.major', 1);
    put('GNU.sparse.minor', 0);
    put('GNU.sparse.name', item.path);
    put('GNU.sparse.realsize', item.sizeBytes);
  } else if (!fits(name, NAME_BYTES)) put('path', name);
  if (link !== null && !fits(link, NAME_BYTES)) put('linkpath', link);
  if (storedBytes > MAX_LONG) put('size', storedBytes);
  if (item.uid > MAX_SHORT) put('uid', item.uid);
  if (item.gid > MAX_SHORT) put('gid', item.gid);
  if (!fits(Buffer.from(item.user), USER_BYTES)) put('uname', item.user);
  if (!fits(Buffer.from(item.group), USER_BYTES)) put('gname', item.group);
  const seconds = floorSeconds(item.modifiedAtNs);
  if (item.modifiedAtNs % NS !== 0n || seconds < 0n || seconds > BigInt(MAX_LONG)) {
    put('mtime', timeText(item.modifiedAtNs));
  }
  if (item.changedAtNs !== null) put('ctime', timeText(item.changedAtNs));
  const comment = commentOf(item);
  if (comment !== '') put('comment', `holdfast${comment}`);
  return records;
}

/** What tar has no field for. In a comment, since readers warn about keys of others but stay silent here. */
function commentOf(item: Pick<BundleItem, 'inode' | 'deviceNumber' | 'kind'>): string {
  const inode = item.inode === 0n ? '' : ` inode=${item.inode}`;
  const device = item.deviceNumber === 0n ? '' : ` device=${item.deviceNumber}`;
  return inode + device + (item.kind === 'socket' ? ' type=socket' : '');
}

/** Reads one header from its blocks: `next` gives the following n bytes of the tar. Null at the end mark. */
export async function readTarHeader(
  next: (bytes: number) => Buffer | Promise<Buffer>,
): Promise<TarHeader | null> {
  let block = decodeBlock(await next(512));
  if (block === null) return null;
  let records: PaxRecords = new Map();
  if (block.type === 'x') {
    if (block.size > MAX_PAX_BYTES) throw malformed('has an extended tar header that is too long');
    const body = await next(block.size + paddingOf(block.size));
    records = decodePax(body.subarray(0, block.size));
    block = decodeBlock(await next(512));
    if (block === null) throw malformed('ends after an extended tar header');
  }
  return mergeHeader(block, records);
}

/** Two paths and two names of the longest kind, and change. */
const MAX_PAX_BYTES = 2 ** 20;

function mergeHeader(block: TarBlock, records: PaxRecords): TarHeader {
  const comment = commentIn(records);
  const kind = kindOf(block.type, comment);
  const storedBytes = number(records, 'size') ?? block.size;
  const sparse = records.has('GNU.sparse.major');
  if (sparse && (kind !== 'file' || records.get('GNU.sparse.major')?.toString() !== '1')) {
    throw malformed('has a sparse file of an unknown form');
  }
  if (kind !== 'file' && storedBytes !== 0) throw malformed(`has a ${kind} with content`);
  const name = (sparse ? records.get('GNU.sparse.name') : records.get('path')) ?? block.name;
  const linked = kind === 'symlink' || kind === 'hardlink';
  const realSize = sparse ? number(records, 'GNU.sparse.realsize') : storedBytes;
  if (realSize === null) throw malformed('has a sparse file without a size');
  return {
    path: kind === 'folder' && name.at(-1) === 0x2f ? name.subarray(0, -1) : name,
    kind,
    mode: block.mode & 0o7777,
    modifiedAtNs: time(records, 'mtime') ?? BigInt(block.mtimeSeconds) * NS,
    changedAtNs: time(records, 'ctime'),
    uid: number(records, 'uid') ?? block.uid,
    gid: number(records, 'gid') ?? block.gid,
    user: (records.get('uname') ?? block.user).toString(),
    group: (records.get('gname') ?? block.group).toString(),
    inode: commented(comment, 'inode'),
    deviceNumber: commented(comment, 'device'),
    sizeBytes: realSize,
    linkTarget: linked ? (records.get('linkpath') ?? block.linkName) : null,
    storedBytes,
    sparse,
  };
}

function kindOf(type: string, comment: string): BundleItemKind {
  const kind = TYPES.find(([, character]) => character === type)?.[0];
  if (kind === undefined) throw malformed('has a tar entry of an unknown type');
  const isSocket = kind === 'file' && / type=socket( |$)/.test(comment);
  return isSocket ? 'socket' : kind;
}

function number(records: PaxRecords, key: string): number | null {
  const text = records.get(key)?.toString('latin1');
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw malformed(`has a tar entry whose ${key} is no number`);
  return Number(text);
}

/** The comment when it is ours, else nothing. */
function commentIn(records: PaxRecords): string {
  const comment = records.get('comment')?.toString('latin1') ?? '';
  return comment.startsWith('holdfast ') && comment.length <= 128 ? comment : '';
}

function commented(comment: string, key: string): bigint {
  if (comment === '') return 0n;
  const digits = new RegExp(` ${key}=(\\d{1,20})( |$)`).exec(comment)?.[1] ?? '0';
  const value = BigInt(digits);
  if (value >= 2n ** 64n) throw malformed(`has a tar entry whose ${key} is out of range`);
  return value;
}

function time(records: PaxRecords, key: string): bigint | null {
  const text = records.get(key)?.toString('latin1');
  if (text === undefined) return null;
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) throw malformed(`has a tar entry whose ${key} is no time`);
  const amount = BigInt(match[2]!) * NS + BigInt((match[3] ?? '').padEnd(9, '0'));
  if (amount > I64_MAX) throw malformed(`has a tar entry whose ${key} is out of range`);
  return match[1] === '-' ? -amount : amount;
}

function timeText(ns: bigint): string {
  const amount = ns < 0n ? -ns : ns;
  const fraction = amount % NS === 0n ? '' : `.${String(amount % NS).padStart(9, '0')}`;
  return `${ns < 0n ? '-' : ''}${amount / NS}${fraction}`;
}

function floorSeconds(ns: bigint): bigint {
  return (ns - (((ns % NS) + NS) % NS)) / NS;
}

/** Folders carry a slash at their end, as old readers expect. */
function tarName(item: Pick<BundleItem, 'path' | 'kind'>): Buffer {
  return item.kind === 'folder' ? Buffer.concat([item.path, Buffer.from('/')]) : item.path;
}

/** True for printable ASCII of at most `max` bytes: all that every reader of a plain header agrees on. */
function fits(bytes: Buffer, max: number): boolean {
  return bytes.length <= max && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** What fits of a name, for readers that do not know extended headers. */
function sketch(bytes: Buffer, max: number): Buffer {
  return Buffer.from(bytes.subarray(0, max).map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x5f)));
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

/** Linux's device number into its two halves. */
function splitDevice(device: bigint): [major: bigint, minor: bigint] {
  return [
    ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n),
    (device & 0xffn) | ((device >> 12n) & 0xffffff00n),
  ];
}
