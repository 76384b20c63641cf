/** One entry of a bundle, in the words of a tree entry (docs/format.md section 9). */
export type BundleItemKind =
  | 'file'
  | 'folder'
  | 'symlink'
  | 'hardlink'
  | 'fifo'
  | 'socket'
  | 'block'
  | 'character';

export type Extent = readonly [offset: number, length: number];

export interface BundleItem {
  /** Raw bytes, relative, `/`-separated: an artifact's name, or that and a path inside the tree. */
  readonly path: Buffer;
  readonly kind: BundleItemKind;
  /** Permission bits with setuid, setgid and sticky: 0o7777. */
  readonly mode: number;
  readonly modifiedAtNs: bigint;
  /** Null when unknown. */
  readonly changedAtNs: bigint | null;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  /** 0 when unknown. */
  readonly inode: bigint;
  /** Of a block or character device; 0 otherwise. */
  readonly deviceNumber: bigint;
  /** Size of a file including holes; 0 for anything else. */
  readonly sizeBytes: number;
  /** Target of a symlink, or the whole path of the entry a hard link is another name of; null otherwise. */
  readonly linkTarget: Buffer | null;
  /** Data extents of a sparse file, ascending; `content` is their concatenation. Null for a file without holes. */
  readonly extents: readonly Extent[] | null;
  /** Exactly the bytes of a file; null for anything else. */
  readonly content: AsyncIterable<Uint8Array> | null;
}

/** A plain file with the attributes an artifact gets. */
export function plainFile(
  name: string,
  sizeBytes: number,
  content: AsyncIterable<Uint8Array>,
  modifiedAtNs = 0n,
): BundleItem {
  return { ...plainAttributes(name, modifiedAtNs), kind: 'file', mode: 0o600, sizeBytes, content };
}

/** A plain folder, such as the root of a tree whose own attributes are unknown. */
export function plainFolder(name: string, modifiedAtNs = 0n): BundleItem {
  return { ...plainAttributes(name, modifiedAtNs), kind: 'folder', mode: 0o700, sizeBytes: 0, content: null };
}

function plainAttributes(name: string, modifiedAtNs: bigint) {
  return {
    path: Buffer.from(name),
    modifiedAtNs,
    changedAtNs: null,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    inode: 0n,
    deviceNumber: 0n,
    linkTarget: null,
    extents: null,
  };
}

/** Bytes of content an item carries: its extents, or all of it. */
export function contentBytes(item: Pick<BundleItem, 'extents' | 'sizeBytes'>): number {
  if (item.extents === null) return item.sizeBytes;
  return item.extents.reduce((sum, [, length]) => sum + length, 0);
}

/** A path for people: invalid UTF-8 and control characters as `\xNN`. */
export function printablePath(path: Buffer): string {
  const text = path.toString('utf8');
  const isText = Buffer.from(text).equals(path);
  const shown = isText ? text : path.toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not reach a terminal
  const hidden = isText ? /[\u0000-\u001f\u007f-\u009f]/g : /[^\u0020-\u007e]/g;
  const escaped = shown.replace(hidden, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return escaped.length > 200 ? `${escaped.slice(0, 200)}…` : escaped;
}
