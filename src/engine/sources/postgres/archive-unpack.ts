/**
 * Rewrites a compressed custom-format archive as `pg_dump --compress=0` writes it to a pipe: the same definitions, the
 * same rows in frames of their own, so that table ranges are known and what did not change deduplicates. Layout as in
 * `block-parser.ts`; compressed, the chunks of a block joined are one zlib or zstd stream
 * (PostgreSQL's src/bin/pg_dump/compress_gzip.c and compress_zstd.c).
 */
import { Readable, type Transform } from 'node:stream';
import { createInflate, createZstdDecompress } from 'node:zlib';
import type { ErrorCode } from '../../base/errors.ts';
import { type ArchiveToc, archiveFailure } from './archive-toc.ts';
import { BLK_BLOBS, BLK_DATA, NUMBER_BYTES } from './block-parser.ts';

const POSITION_SET = 2;
const POSITION_NOT_SET = 1;
/** How pg_dump frames large objects (`LOBBUFSIZE`). */
const OBJECT_FRAME_BYTES = 16 * 1024;
const OUT_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
/** A row is framed as a whole, so it has to be held; PostgreSQL itself makes none above 1 GiB. */
const MAX_ROW_BYTES = 2 ** 30;

/**
 * The archive without compression. `source` is the archive from its first byte, `toc` its table of contents, `tocBytes` the bytes up
 * to its end. Throws `failure` for data that does not decompress, or ends too early.
 */
export async function* unpackArchive(
  source: AsyncIterable<Uint8Array>,
  toc: ArchiveToc,
  failure: ErrorCode,
): AsyncGenerator<Buffer> {
  const input = pullReader(source, failure);
  try {
    yield plainToc(await input.exactly(toc.tocEnd), toc);
    while (!(await input.atEnd())) {
      const type = (await input.exactly(1))[0]!;
      if (type !== BLK_DATA && type !== BLK_BLOBS)
        throw archiveFailure(failure, `a block has the type ${type}`);
      yield Buffer.concat([Buffer.of(type), await input.exactly(NUMBER_BYTES)]);
      if (type === BLK_DATA) yield* unpackData(input, toc, 'rows', failure);
      else yield* unpackObjects(input, toc, failure);
    }
  } finally {
    await input.close();
  }
}

async function* unpackObjects(
  input: PullReader,
  toc: ArchiveToc,
  failure: ErrorCode,
): AsyncGenerator<Buffer> {
  for (;;) {
    const oid = await input.exactly(NUMBER_BYTES);
    yield Buffer.from(oid);
    if (numberOf(oid, failure) === 0) return;
    yield* unpackData(input, toc, 'pieces', failure);
  }
}

async function* unpackData(
  input: PullReader,
  { header }: ArchiveToc,
  frames: 'rows' | 'pieces',
  failure: ErrorCode,
): AsyncGenerator<Buffer> {
  const chunks = chunksOf(input, failure);
  const plain =
    header.compression === 'none'
      ? chunks
      : decompressed(
          chunks,
          header.compression === 'zstd' ? createZstdDecompress() : createInflate(),
          failure,
        );
  const framer = frames === 'rows' ? rowFramer(failure) : pieceFramer();
  for await (const bytes of plain) yield* framer.push(bytes);
  yield* framer.end();
  yield framed(0);
}

async function* chunksOf(input: PullReader, failure: ErrorCode): AsyncGenerator<Buffer> {
  for (;;) {
    let left = numberOf(await input.exactly(NUMBER_BYTES), failure);
    if (left === 0) return;
    while (left > 0) {
      const bytes = await input.some(left);
      left -= bytes.length;
      // It waits in a stream, and the reader uses its memory again.
      yield Buffer.from(bytes);
    }
  }
}

async function* decompressed(
  chunks: AsyncIterable<Buffer>,
  transform: Transform,
  failure: ErrorCode,
): AsyncGenerator<Buffer> {
  const feeding = Readable.from(chunks, { objectMode: false });
  feeding.on('error', (error) => transform.destroy(error));
  try {
    yield* feeding.pipe(transform) as AsyncIterable<Buffer>;
  } catch (error) {
    if (/^Z(STD)?_/.test((error as { code?: string }).code ?? ''))
      throw archiveFailure(failure, 'its data does not decompress');
    throw error;
  } finally {
    feeding.destroy();
    transform.destroy();
  }
}

interface Framer {
  push(bytes: Buffer): Generator<Buffer>;
  end(): Generator<Buffer>;
}

/** One frame a line, as pg_dump writes the rows of COPY; the end mark, which has three line ends, is one frame. */
function rowFramer(failure: ErrorCode): Framer {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const out = collector();
  let inEndMark = false;
  return {
    *push(bytes) {
      let from = 0;
      while (!inEndMark) {
        const end = bytes.indexOf(NEWLINE, from) + 1;
        if (end === 0) break;
        const row =
          begunBytes === 0 ? bytes.subarray(from, end) : Buffer.concat([...begun, bytes.subarray(from, end)]);
        if (row.length === 3 && row[0] === 0x5c && row[1] === 0x2e) {
          inEndMark = true;
          break;
        }
        begun = [];
        begunBytes = 0;
        from = end;
        yield* out.frame(row);
      }
      if (from === bytes.length) return;
      begun.push(Buffer.from(bytes.subarray(from)));
      begunBytes += bytes.length - from;
      if (begunBytes > MAX_ROW_BYTES) throw archiveFailure(failure, 'a row is larger than a row can be');
    },
    *end() {
      if (begunBytes > 0) yield* out.frame(Buffer.concat(begun));
      yield* out.flush();
    },
  };
}

function pieceFramer(): Framer {
  let held = Buffer.alloc(0);
  const out = collector();
  return {
    *push(bytes) {
      held = Buffer.concat([held, bytes]);
      let from = 0;
      for (; held.length - from >= OBJECT_FRAME_BYTES; from += OBJECT_FRAME_BYTES)
        yield* out.frame(held.subarray(from, from + OBJECT_FRAME_BYTES));
      held = held.subarray(from);
    },
    *end() {
      if (held.length > 0) yield* out.frame(held);
      yield* out.flush();
    },
  };
}

/** Gathers frames, since rows are small. What it gives is nobody else's. */
function collector() {
  let parts: Buffer[] = [];
  let gathered = 0;
  function* flush(): Generator<Buffer> {
    if (gathered > 0) yield Buffer.concat(parts);
    parts = [];
    gathered = 0;
  }
  return {
    *frame(bytes: Buffer): Generator<Buffer> {
      parts.push(framed(bytes.length), bytes);
      gathered += NUMBER_BYTES + bytes.length;
      if (gathered >= OUT_BYTES) yield* flush();
    },
    flush,
  };
}

/** What says that the data is compressed, and where it lies, is put as for a pipe: both would be wrong now. */
function plainToc(bytes: Buffer, { header, entries }: ArchiveToc): Buffer {
  const plain = Buffer.from(bytes);
  const { offset, sizeBytes } = header.compressionField;
  plain.fill(0, offset, offset + sizeBytes);
  for (const { placeOffset } of entries) {
    if (plain[placeOffset] !== POSITION_SET) continue;
    plain[placeOffset] = POSITION_NOT_SET;
    plain.fill(0, placeOffset + 1, placeOffset + 1 + header.offsetBytes);
  }
  return plain;
}

function framed(length: number): Buffer {
  const bytes = Buffer.alloc(NUMBER_BYTES);
  bytes.writeUInt32LE(length, 1);
  return bytes;
}

function numberOf(bytes: Buffer, failure: ErrorCode): number {
  if (bytes[0] !== 0) throw archiveFailure(failure, 'a length is negative');
  return bytes.readUInt32LE(1);
}

interface PullReader {
  exactly(count: number): Promise<Buffer>;
  /** At least one byte and at most `max`. Valid until the next call. */
  some(max: number): Promise<Buffer>;
  atEnd(): Promise<boolean>;
  close(): Promise<void>;
}

function pullReader(source: AsyncIterable<Uint8Array>, failure: ErrorCode): PullReader {
  const iterator = source[Symbol.asyncIterator]();
  let part: Buffer = Buffer.alloc(0);
  const atEnd = async () => {
    while (part.length === 0) {
      const next = await iterator.next();
      if (next.done) return true;
      part = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return false;
  };
  const some = async (max: number) => {
    if (await atEnd()) throw archiveFailure(failure, 'it ends inside a data block');
    const bytes = part.subarray(0, max);
    part = part.subarray(bytes.length);
    return bytes;
  };
  return {
    some,
    atEnd,
    async exactly(count) {
      const parts: Buffer[] = [];
      for (let left = count; left > 0; left -= parts.at(-1)!.length)
        parts.push(Buffer.from(await some(left)));
      return Buffer.concat(parts);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
