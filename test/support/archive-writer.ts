/**
 * Writes archives in pg_dump's custom format by hand, for versions no tool here makes. Layout: `WriteHead`, `WriteToc`
 * in PostgreSQL's pg_backup_archiver.c.
 */
export interface ArchivePart {
  readonly id: number;
  readonly kind: string;
  readonly schema?: string;
  readonly name: string;
  readonly section?: number;
  readonly definition?: string;
  readonly copy?: string;
  readonly dependencies?: readonly number[];
  /** Payload chunks of a table's data block, without the end marker. */
  readonly rows?: readonly (string | Buffer)[];
  /** The same as they are, end marker included: of compressed data. */
  readonly chunks?: readonly Buffer[];
  /** Large objects of a BLOBS block: oid and chunks. */
  readonly objects?: readonly { oid: number; chunks: readonly Buffer[] }[];
}

export interface ArchiveOptions {
  readonly minor: 12 | 13 | 14 | 15 | 16;
  readonly compression?: number;
}

const int = (value: number) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
};
const text = (value: string | null) =>
  value === null ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);

/** The whole archive, and the offsets between its parts: table of contents, then each data block. */
export function writeArchive(
  options: ArchiveOptions,
  parts: readonly ArchivePart[],
): { bytes: Buffer; borders: number[] } {
  const toc = Buffer.concat([
    header(options),
    int(parts.length),
    ...parts.map((part) => entry(part, options)),
  ]);
  const pieces = [toc, ...parts.flatMap(dataBlock)];
  const borders = pieces.map((_, i) => pieces.slice(0, i + 1).reduce((sum, piece) => sum + piece.length, 0));
  return { bytes: Buffer.concat(pieces), borders };
}

function header({ minor, compression = 0 }: ArchiveOptions): Buffer {
  return Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, 4, 8, 1]),
    minor >= 15 ? Buffer.from([compression]) : int(compression),
    ...[1, 2, 3, 4, 5, 126, 0].map(int),
    text('crafted'),
    text('15.2'),
    text('15.2'),
  ]);
}

function entry(part: ArchivePart, { minor }: ArchiveOptions): Buffer {
  const hasData = [part.rows, part.chunks, part.objects].some((data) => data !== undefined);
  return Buffer.concat([
    int(part.id),
    int(hasData ? 1 : 0),
    text('1259'),
    text('16385'),
    text(part.name),
    text(part.kind),
    int(part.section ?? (hasData ? 3 : 2)),
    text(part.definition ?? ''),
    text(''),
    text(part.copy ?? null),
    text(part.schema ?? null),
    text(null),
    ...(minor >= 14 ? [text(null)] : []),
    ...(minor >= 16 ? [int('r'.charCodeAt(0))] : []),
    text('postgres'),
    text('false'),
    ...(part.dependencies ?? []).map((id) => text(String(id))),
    text(null),
    Buffer.from([hasData ? 1 : 3, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
}

function dataBlock(part: ArchivePart): Buffer[] {
  if (part.rows || part.chunks) {
    const rows = part.chunks ?? [...part.rows!, '\\.\n\n\n'];
    const chunks = rows.flatMap((row) => chunk(Buffer.from(row)));
    return [Buffer.concat([Buffer.from([1]), int(part.id), ...chunks, int(0)])];
  }
  if (part.objects) {
    const objects = part.objects.flatMap(({ oid, chunks }) => [int(oid), ...chunks.flatMap(chunk), int(0)]);
    return [Buffer.concat([Buffer.from([3]), int(part.id), ...objects, int(0)])];
  }
  return [];
}

const chunk = (bytes: Buffer) => [int(bytes.length), bytes];
