/** Restored files against the backup: every entry, and every byte by the keyed hashes of the chunks, fetched only once. */
import { createHash, createHmac } from 'node:crypto';
import { type BigIntStats, createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import { escapePath } from '../../base/escape-path.ts';
import type { ChunkReader } from '../../repository/chunk-reader.ts';
import type { ArtifactReader, TreeEntry } from '../../sources/port.ts';
import type { RestoredTree } from './restore-all.ts';

export interface TreeComparison {
  readonly entries: number;
  readonly bytes: number;
  /** The first few, in words. */
  readonly differences: readonly string[];
  readonly moreDifferences: number;
}

interface Comparing {
  readonly chunks: ChunkReader;
  readonly chunkIdKey: Buffer;
  readonly signal: AbortSignal;
}

const DIFFERENCES_NAMED = 20;
/** Restoring is exact to 120 ns. */
const TIME_TOLERANCE_NS = 1000n;
/** What a restore never makes without being told, or cannot. */
const SPECIAL: ReadonlySet<TreeEntry['type']> = new Set(['block', 'character', 'socket']);

export async function compareTree(
  reader: ArtifactReader,
  tree: RestoredTree,
  comparing: Comparing,
): Promise<TreeComparison> {
  const differences: string[] = [];
  let more = 0;
  const differ = (path: Buffer, what: string) => {
    const name = `${tree.artifact.name}${path.length > 0 ? `/${escapePath(path)}` : ''}`;
    if (differences.length < DIFFERENCES_NAMED) differences.push(`${name}: ${what}`);
    else more += 1;
  };
  const skipped = new Set(tree.skipped.map(({ path }) => path));
  const root = Buffer.from(tree.path);
  let entries = 0;
  let expected = 0;
  let bytes = 0;
  for await (const entry of reader.entries(tree.artifact.content)) {
    if (comparing.signal.aborted) throw new HoldfastError('interrupted');
    entries += 1;
    if (skipped.has(escapePath(entry.path)) || SPECIAL.has(entry.type)) continue;
    expected += 1;
    const whole = tree.isFile || entry.path.length === 0;
    const path = whole ? root : Buffer.concat([root, Buffer.from('/'), entry.path]);
    const found = await lstat(path, { bigint: true }).catch(() => null);
    if (found === null) differ(entry.path, 'missing');
    else {
      for (const what of metadataDifferences(entry, found)) differ(entry.path, what);
      if (entry.type === 'symlink') {
        const target = await readlink(path, { encoding: 'buffer' }).catch(() => null);
        if (target === null || !target.equals(entry.linkTarget ?? Buffer.alloc(0)))
          differ(entry.path, 'another link target');
      }
      if (entry.type === 'file' && found.isFile() && entry.hardLinkTo === null) {
        const what = await contentDifference(path, entry, comparing);
        if (what !== null) differ(entry.path, what);
        else bytes += entry.sizeBytes;
      }
    }
  }
  const present = tree.isFile ? 1 : await countEntries(root);
  if (present > expected)
    differ(Buffer.alloc(0), `${present - expected} entries that the backup does not have`);
  return { entries, bytes, differences, moreDifferences: more };
}

function* metadataDifferences(entry: TreeEntry, found: BigIntStats): Generator<string> {
  if (typeOf(found) !== entry.type) {
    yield `a ${typeOf(found)} instead of a ${entry.type}`;
    return;
  }
  if (entry.type === 'symlink') return;
  const mode = Number(found.mode) & 0o7777;
  const isRoot = process.geteuid?.() === 0;
  // Without the owner, setuid and setgid are dropped on purpose.
  const wanted = isRoot ? entry.mode : entry.mode & 0o1777;
  if ((isRoot ? mode : mode & 0o1777) !== wanted)
    yield `mode ${mode.toString(8)} instead of ${wanted.toString(8)}`;
  if (entry.type === 'file' && found.size !== BigInt(entry.sizeBytes)) {
    yield `${found.size} bytes instead of ${entry.sizeBytes}`;
  }
  const apart = found.mtimeNs - entry.modifiedAtNs;
  if (apart > TIME_TOLERANCE_NS || apart < -TIME_TOLERANCE_NS) yield 'another time of modification';
}

function typeOf(found: BigIntStats): string {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  if (found.isSymbolicLink()) return 'symlink';
  if (found.isFIFO()) return 'fifo';
  return 'special file';
}

/** Null when every byte is that of the backup. */
async function contentDifference(
  path: Buffer,
  entry: TreeEntry,
  comparing: Comparing,
): Promise<string | null> {
  const { content } = entry;
  if (content === null || content.sizeBytes === 0) return null;
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return 'not readable';
  try {
    const read = rangeReader(file, entry.extents ?? [[0, entry.sizeBytes]]);
    let at = 0;
    for await (const { id, lengthBytes } of comparing.chunks.refs(content)) {
      if (comparing.signal.aborted) throw new HoldfastError('interrupted');
      const bytes = await read(lengthBytes);
      if (bytes === null || !createHmac('sha256', comparing.chunkIdKey).update(bytes).digest().equals(id)) {
        return `other content between byte ${at} and ${at + lengthBytes} of its data`;
      }
      at += lengthBytes;
    }
    return null;
  } finally {
    await file.close();
  }
}

/** Reads on through the data extents of a file; null when it ends too soon. */
function rangeReader(
  file: FileHandle,
  extents: readonly (readonly [offset: number, length: number])[],
): (length: number) => Promise<Buffer | null> {
  let extent = 0;
  let within = 0;
  return async (length) => {
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const current = extents[extent];
      if (!current) return null;
      const [offset, size] = current;
      if (within === size) {
        extent += 1;
        within = 0;
        continue;
      }
      const wanted = Math.min(length - filled, size - within);
      const { bytesRead } = await file.read(bytes, filled, wanted, offset + within);
      if (bytesRead === 0) return null;
      filled += bytesRead;
      within += bytesRead;
    }
    return bytes;
  };
}

/** Entries below a folder, itself among them. */
async function countEntries(root: Buffer): Promise<number> {
  let count = 1;
  const waiting = [root];
  for (let folder = waiting.pop(); folder; folder = waiting.pop()) {
    const entries = await readdir(folder, {
      withFileTypes: true,
      encoding: 'buffer' as BufferEncoding,
    }).catch(() => []);
    for (const entry of entries) {
      count += 1;
      if (!entry.isDirectory()) continue;
      waiting.push(Buffer.concat([folder, Buffer.from('/'), entry.name as unknown as Buffer]));
    }
  }
  return count;
}

/** SHA-256 in hex of a file as it lies there. */
export async function hashOfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { signal })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
