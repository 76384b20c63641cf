import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { systemCode } from '../../../base/errors.ts';
import { isSqliteHeader } from '../sqlite-file.ts';

/** What a walk says, in the order it comes. Paths are bytes in base64. */
export type Finding =
  | {
      readonly kind: 'found';
      readonly path: string;
      /** With the write-ahead log beside it. */
      readonly sizeBytes: number;
      readonly modifiedAtMs: number;
      /** As the header states it; null for a version of the format that is not known. */
      readonly journalMode: 'wal' | 'delete' | null;
    }
  | { readonly kind: 'unreadable'; readonly path: string; readonly cause: string }
  | { readonly kind: 'limit'; readonly limit: DiscoveryLimit }
  | { readonly kind: 'end' }
  /** The folder itself is not there, or cannot be read. */
  | { readonly kind: 'failed'; readonly cause: string };

export type DiscoveryLimit = 'depth' | 'entries' | 'found';

export interface WalkLimits {
  /** Folders inside each other below the first. */
  readonly depth: number;
  /** Of everything looked at. */
  readonly entries: number;
  readonly found: number;
}

/** The file format versions, which tell the journal mode, stand behind page size. */
const HEADER_BYTES = 20;
const JOURNAL_MODES = { 1: 'delete', 2: 'wal' } as const;
/** What the kernel makes up has no databases, and some of it must not be read. */
const MADE_UP = new Set(['/proc', '/sys', '/dev']);
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Every SQLite database below a folder, by its header; the path itself when it is a file. Links are not followed. Blocking, and
 * closes files that others of the same process may have locked: for a process of its own.
 */
export function* findDatabases(root: Buffer, limits: WalkLimits): Generator<Finding> {
  const base = root.length > 1 && root.at(-1) === 0x2f ? root.subarray(0, -1) : root;
  const isFolder = kindOf(base);
  if (typeof isFolder === 'string') return yield { kind: 'failed', cause: isFolder };
  if (!isFolder) {
    const finding = lookAt(base);
    if (finding) yield finding;
    return yield { kind: 'end' };
  }
  let isDepthTold = false;
  const counts = { entries: 0, found: 0 };
  const folders: { readonly path: Buffer; readonly depth: number }[] = [{ path: base, depth: 0 }];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const { path, depth } = folder;
    const entries = entriesOf(path);
    if (typeof entries === 'string') {
      if (depth === 0) return yield { kind: 'failed', cause: entries };
      yield { kind: 'unreadable', path: path.toString('base64'), cause: entries };
      continue;
    }
    const inside: Buffer[] = [];
    for (const entry of entries) {
      counts.entries += 1;
      const limit = limitMet(counts, limits);
      if (limit) return yield { kind: 'limit', limit };
      const inner = Buffer.concat([path.length === 1 ? Buffer.alloc(0) : path, SLASH, entry.name]);
      if (entry.isFile()) {
        const finding = lookAt(inner);
        if (!finding) continue;
        if (finding.kind === 'found') counts.found += 1;
        yield finding;
      } else if (entry.isDirectory() && !MADE_UP.has(inner.toString())) {
        if (depth < limits.depth) inside.push(inner);
        else if (!isDepthTold) {
          isDepthTold = true;
          yield { kind: 'limit', limit: 'depth' };
        }
      }
    }
    // The last one pushed is the next.
    for (const one of inside.reverse()) folders.push({ path: one, depth: depth + 1 });
  }
  yield { kind: 'end' };
}

const SLASH = Buffer.from('/');

/** The walk ends here; null to go on. */
function limitMet(
  counts: { readonly entries: number; readonly found: number },
  limits: WalkLimits,
): DiscoveryLimit | null {
  if (counts.entries > limits.entries) return 'entries';
  return counts.found >= limits.found ? 'found' : null;
}

const causeOf = (error: unknown): string => systemCode(error) ?? String(error);

function kindOf(path: Buffer): boolean | string {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return causeOf(error);
  }
}

/** In order of name, so that what is found first does not depend on the disk. */
function entriesOf(path: Buffer) {
  try {
    const entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
    return entries.sort((a, b) => Buffer.compare(a.name, b.name));
  } catch (error) {
    return causeOf(error);
  }
}

/** Null for what is no database, and for what went away or became a link meanwhile. */
function lookAt(path: Buffer): Finding | null {
  const encoded = path.toString('base64');
  try {
    const read = headerOf(path);
    if (!read) return null;
    const { header, stats } = read;
    const wal = statSync(Buffer.concat([path, Buffer.from('-wal')]), {
      bigint: true,
      throwIfNoEntry: false,
    });
    const log: Pick<BigIntStats, 'size' | 'mtimeMs'> = wal?.isFile() ? wal : { size: 0n, mtimeMs: 0n };
    return {
      kind: 'found',
      path: encoded,
      sizeBytes: Number(stats.size + log.size),
      modifiedAtMs: Math.max(Number(stats.mtimeMs), Number(log.mtimeMs)),
      journalMode: JOURNAL_MODES[header[18] as 1 | 2] ?? null,
    };
  } catch (error) {
    const cause = causeOf(error);
    return ['ENOENT', 'ELOOP', 'ENXIO'].includes(cause) ? null : { kind: 'unreadable', path: encoded, cause };
  }
}

function headerOf(path: Buffer): { readonly header: Buffer; readonly stats: BigIntStats } | null {
  const file = openSync(path, FLAGS);
  try {
    const stats = fstatSync(file, { bigint: true });
    if (!stats.isFile()) return null;
    const header = Buffer.alloc(HEADER_BYTES);
    const bytes = readSync(file, header, 0, HEADER_BYTES, 0);
    return bytes === HEADER_BYTES && isSqliteHeader(header) ? { header, stats } : null;
  } finally {
    closeSync(file);
  }
}
