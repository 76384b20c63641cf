/**
 * Header and table of contents of pg_dump's custom format. Source: `ReadHead`, `ReadToc`, `ReadInt`, `ReadStr` in
 * PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c and `_ReadExtraToc` in pg_backup_custom.c, releases 9.0 to 18
 * (archive versions 1.12 to 1.16).
 */
import { type ErrorCode, HoldfastError } from '../../base/errors.ts';
import { type ByteCursor, byteCursor } from './byte-cursor.ts';

export interface ArchiveHeader {
  /** Such as `1.14`. */
  readonly archiveVersion: string;
  readonly compressed: boolean;
  readonly compression: ArchiveCompression;
  /** Where the archive says how its data is compressed, and in how many bytes. */
  readonly compressionField: { readonly offset: number; readonly sizeBytes: number };
  readonly database: string;
  readonly serverVersion: string;
  readonly pgDumpVersion: string;
  readonly offsetBytes: number;
  readonly hasAccessMethod: boolean;
  readonly hasRelkind: boolean;
}

export type ArchiveCompression = 'none' | 'gzip' | 'lz4' | 'zstd';

export interface TocEntry {
  readonly dumpId: number;
  /** A data block of this id follows the table of contents. */
  readonly hasData: boolean;
  /** What it is, such as `TABLE`, `TABLE DATA`, `SEQUENCE SET`, `BLOBS`. */
  readonly kind: string;
  readonly name: string;
  /** Empty where the entry is in no schema. */
  readonly schema: string;
  readonly section: 'none' | 'pre-data' | 'data' | 'post-data';
  /** The SQL that makes it; empty for data. */
  readonly definition: string;
  /** `COPY … FROM stdin;` for data that has one. */
  readonly copyStatement: string;
  /** Null where none applies; empty for the database's own. */
  readonly tablespace: string | null;
  readonly owner: string;
  readonly dependencies: readonly number[];
  /** Where the archive notes the place of its data: a byte of state, then the offset. */
  readonly placeOffset: number;
}

export interface ArchiveToc {
  readonly header: ArchiveHeader;
  readonly entries: readonly TocEntry[];
  /** Offset of the first byte behind the table of contents. */
  readonly tocEnd: number;
}

export const INT_BYTES = 4;
/** A table of contents above this is refused: the largest seen, of 100,000 tables, is a quarter of it. */
export const TOC_LIMIT_BYTES = 512 * 1024 * 1024;

const OLDEST_MINOR = 12;
const NEWEST_MINOR = 16;
const CUSTOM_FORMAT = 1;
/** By their number in the header, from 1.15 on. */
const COMPRESSIONS = ['none', 'gzip', 'lz4', 'zstd'] as const;
const SECTIONS = [undefined, 'none', 'pre-data', 'data', 'post-data'] as const;

export function archiveFailure(code: ErrorCode, detail: string): HoldfastError {
  return new HoldfastError(code, `the archive is not sound: ${detail}`);
}

/**
 * Reads from a cursor up to the end of the table of contents. Yields for more bytes. Throws `failure` for anything
 * that pg_dump 9.0 to 18 would not write.
 */
export function* readToc(cursor: ByteCursor, failure: ErrorCode): Generator<void, ArchiveToc> {
  const reader = fieldReader(cursor, failure);
  const header = yield* readHeader(reader, failure);
  const count = yield* reader.int();
  if (count < 0) throw archiveFailure(failure, 'its number of entries is negative');
  const entries: TocEntry[] = [];
  for (let i = 0; i < count; i += 1) entries.push(yield* readEntry(reader, header, failure));
  return { header, entries, tocEnd: cursor.taken() };
}

/** Reads a table of contents from a stream and stops there. Throws `failure` when the stream ends before it. */
export async function tocOfStream(
  stream: AsyncIterable<Uint8Array>,
  failure: ErrorCode,
): Promise<ArchiveToc> {
  const cursor = byteCursor();
  const reading = readToc(cursor, failure);
  let step = reading.next();
  for await (const bytes of stream) {
    cursor.append(bytes);
    step = reading.next();
    if (step.done) return step.value;
  }
  throw archiveFailure(failure, 'it ends inside its table of contents');
}

interface FieldReader {
  /** How many bytes were read before. */
  taken(): number;
  byte(): Generator<void, number>;
  int(): Generator<void, number>;
  /** Null where the archive says NULL. */
  text(): Generator<void, string | null>;
  take(count: number): Generator<void, Buffer>;
}

function fieldReader(cursor: ByteCursor, failure: ErrorCode): FieldReader {
  function* take(count: number): Generator<void, Buffer> {
    if (cursor.taken() + count > TOC_LIMIT_BYTES)
      throw archiveFailure(failure, 'its table of contents is too large');
    return yield* cursor.take(count);
  }
  function* int(): Generator<void, number> {
    const bytes = yield* take(1 + INT_BYTES);
    const value = bytes.readUInt32LE(1);
    return bytes[0] === 0 ? value : -value;
  }
  return {
    taken: () => cursor.taken(),
    take,
    int,
    *byte() {
      return (yield* take(1))[0]!;
    },
    *text() {
      const length = yield* int();
      if (length < 0) return null;
      return (yield* take(length)).toString('utf8');
    },
  };
}

function* readHeader(reader: FieldReader, failure: ErrorCode): Generator<void, ArchiveHeader> {
  const start = yield* reader.take(11);
  if (start.toString('latin1', 0, 5) !== 'PGDMP')
    throw archiveFailure(failure, 'it does not begin with PGDMP');
  const [major, minor, , intBytes, offsetBytes, format] = [...start.subarray(5)];
  const archiveVersion = `${major}.${minor}`;
  if (major !== 1 || minor! < OLDEST_MINOR || minor! > NEWEST_MINOR) {
    throw archiveFailure(
      failure,
      `its version ${archiveVersion} is not one of 1.${OLDEST_MINOR} to 1.${NEWEST_MINOR}`,
    );
  }
  if (intBytes !== INT_BYTES || offsetBytes !== 8 || format !== CUSTOM_FORMAT) {
    throw archiveFailure(failure, 'its integers or its format are unusual');
  }
  // Up to 1.14 a zlib level, from 1.15 on an algorithm; 0 is "none" in both.
  const compressionAt = reader.taken();
  const level = minor! >= 15 ? yield* reader.byte() : yield* reader.int();
  const compressionField = { offset: compressionAt, sizeBytes: reader.taken() - compressionAt };
  const compression = minor! >= 15 ? COMPRESSIONS[level] : level === 0 ? 'none' : 'gzip';
  if (compression === undefined) throw archiveFailure(failure, `its compression ${level} is not known`);
  for (let field = 0; field < 7; field += 1) yield* reader.int();
  const database = (yield* reader.text()) ?? '';
  const serverVersion = (yield* reader.text()) ?? '';
  const pgDumpVersion = (yield* reader.text()) ?? '';
  return {
    ...{ archiveVersion, database, serverVersion, pgDumpVersion, offsetBytes, compression, compressionField },
    compressed: compression !== 'none',
    hasAccessMethod: minor! >= 14,
    hasRelkind: minor! >= 16,
  };
}

function* readEntry(
  reader: FieldReader,
  header: ArchiveHeader,
  failure: ErrorCode,
): Generator<void, TocEntry> {
  const dumpId = yield* reader.int();
  if (dumpId <= 0) throw archiveFailure(failure, `an entry has the id ${dumpId}`);
  const hasData = (yield* reader.int()) !== 0;
  yield* reader.text(); // oid of the catalog table
  yield* reader.text(); // oid of the object
  const name = (yield* reader.text()) ?? '';
  const kind = (yield* reader.text()) ?? '';
  const section = SECTIONS[yield* reader.int()];
  if (section === undefined) throw archiveFailure(failure, `entry ${dumpId} is in no known section`);
  const definition = (yield* reader.text()) ?? '';
  yield* reader.text(); // the DROP statement
  const copyStatement = (yield* reader.text()) ?? '';
  const schema = (yield* reader.text()) ?? '';
  const tablespace = yield* reader.text();
  if (header.hasAccessMethod) yield* reader.text();
  if (header.hasRelkind) yield* reader.int();
  const owner = (yield* reader.text()) ?? '';
  yield* reader.text(); // WITH OIDS, always "false" since 12
  const dependencies = yield* readDependencies(reader);
  const placeOffset = reader.taken();
  yield* reader.take(1 + header.offsetBytes); // where its data lies: unset where pg_dump could not seek
  return {
    ...{ dumpId, hasData, kind, name, schema, section, definition },
    ...{ copyStatement, tablespace, owner, dependencies, placeOffset },
  };
}

function* readDependencies(reader: FieldReader): Generator<void, number[]> {
  const dependencies: number[] = [];
  for (let text = yield* reader.text(); text !== null; text = yield* reader.text())
    dependencies.push(Number(text));
  return dependencies;
}
