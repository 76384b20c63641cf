import { createReadStream } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { type Compression, decompressStream } from '../bundle/compression.ts';
import { type BundleLimits, DEFAULT_LIMITS } from '../bundle/limits.ts';

export type DumpForm = 'archive' | 'sqlite' | 'sql' | 'tar';

/** A file made by another program, known by what is in it and not by its name. */
export interface ForeignDump {
  readonly form: DumpForm;
  /** What is around it; null for nothing. */
  readonly compression: Compression | null;
  /** Its name without the ending of what is around it. */
  readonly name: string;
  /** Its bytes without what is around it. Throws `source_damaged`, `limit_exceeded`. */
  bytes(): AsyncGenerator<Buffer>;
}

const HEAD_BYTES = 4096;
const ENDINGS: Readonly<Record<Compression, RegExp>> = { gzip: /\.(gz|gzip)$/i, zstd: /\.(zst|zstd)$/i };
const UNKNOWN = 'give a dump of pg_dump (custom format or SQL), a copied SQLite file, or a tar of these';

/** Throws `source_missing`, `source_denied`, `source_failed`, `source_damaged`, and `usage` for what is none of these. */
export async function recogniseDump(
  path: string,
  signal: AbortSignal,
  limits: BundleLimits = DEFAULT_LIMITS,
): Promise<ForeignDump> {
  const outer = await headOf(path);
  const compression = compressionOf(outer);
  const bytes = () => plainBytes(path, compression, signal, limits);
  const head = compression === null ? outer : await firstBytes(bytes());
  const name = basename(path).replace(compression === null ? /$^/ : ENDINGS[compression], '');
  const form = formOf(head, name.replace(/\.t[gz][zs]?t?$/i, '.tar'));
  if (form) return { form, compression, name, bytes };
  throw new HoldfastError('usage', `${path} is not a kind of dump that is known`, {
    next: unpackFirst(outer) ?? UNKNOWN,
  });
}

function compressionOf(head: Buffer): Compression | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : null;
}

function formOf(head: Buffer, name: string): DumpForm | null {
  if (head.toString('latin1', 0, 5) === 'PGDMP') return 'archive';
  if (head.toString('latin1', 0, 16) === 'SQLite format 3\0') return 'sqlite';
  if (head.toString('latin1', 257, 262) === 'ustar') return 'tar';
  if (head.length === 0 || head.includes(0)) return null;
  return /\.sql$/i.test(name) || /^-- PostgreSQL database (cluster )?dump/m.test(head.toString('latin1'))
    ? 'sql'
    : null;
}

/** Other wrappings, which nothing here opens. */
function unpackFirst(head: Buffer): string | null {
  const start = head.toString('latin1', 0, 6);
  if (start.startsWith('BZh')) return 'unpack it first: bunzip2 --keep FILE';
  if (start === '\xfd7zXZ\0') return 'unpack it first: unxz --keep FILE';
  return start.startsWith('PK\x03\x04') ? 'unpack it first: unzip FILE' : null;
}

async function* plainBytes(
  path: string,
  compression: Compression | null,
  signal: AbortSignal,
  limits: BundleLimits,
): AsyncGenerator<Buffer> {
  const raw = createReadStream(path, { highWaterMark: 1 << 20, signal });
  if (compression === null) return yield* raw;
  try {
    yield* decompressStream(raw, compression, limits);
  } catch (error) {
    throw aboutDump(path, error);
  }
}

/** In the words of a dump; what is read here are no bundles. */
export function aboutDump(path: string, error: unknown): unknown {
  if (!(error instanceof HoldfastError)) return error;
  if (error.message.includes(path)) return error;
  const code = error.code === 'bundle_malformed' ? 'source_damaged' : error.code;
  const said = error.message.replace(/^the bundle /, 'it ');
  return new HoldfastError(code, `${path}: ${said}`, {
    cause: error,
    next: error.code === 'bundle_malformed' ? 'take another copy of it' : error.next,
  });
}

async function firstBytes(bytes: AsyncGenerator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(Buffer.from(part.subarray(0, HEAD_BYTES)));
    length += part.length;
    if (length >= HEAD_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

async function headOf(path: string): Promise<Buffer> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r');
    if (!(await file.stat()).isFile()) throw new HoldfastError('source_failed', `${path} is not a file`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new HoldfastError('source_missing', `${path} does not exist`);
    if (code === 'EACCES' || code === 'EPERM')
      throw new HoldfastError('source_denied', `${path} cannot be read`);
    throw new HoldfastError('source_failed', `${path} cannot be read: ${code}`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** Left free where files are unpacked: nobody's disk is filled by a small file that holds a large one. */
const LEFT_FREE_BYTES = 500_000_000;
const LOOK_EVERY_BYTES = 64 * 2 ** 20;

/** Writes bytes to a new private file. Throws `source_failed` when the disk gets full. */
export async function spoolTo(target: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(target, 'wx', 0o600);
  let written = 0;
  let looked = -LOOK_EVERY_BYTES;
  try {
    for await (const bytes of content) {
      if (written - looked >= LOOK_EVERY_BYTES) {
        looked = written;
        await requireFree(dirname(target));
      }
      await file.writeFile(bytes);
      written += bytes.length;
    }
  } finally {
    await file.close();
  }
  return written;
}

async function requireFree(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= LEFT_FREE_BYTES) return;
  throw new HoldfastError('source_failed', `unpacking it would fill the disk of ${folder}`, {
    next: 'free space there, or set HOLDFAST_HOME to a larger disk',
  });
}
