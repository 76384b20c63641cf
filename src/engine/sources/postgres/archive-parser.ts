/**
 * Follows a custom-format archive as it passes: table of contents first, then data blocks
 * (`_StartData`, `_CustomWriteFunc`, `_StartBlob` in PostgreSQL's src/bin/pg_dump/pg_backup_custom.c).
 */
import type { ErrorCode } from '../../base/errors.ts';
import { type ArchiveToc, archiveFailure, readToc, type TocEntry } from './archive-toc.ts';
import { type BlockParser, blockParser } from './block-parser.ts';
import { byteCursor } from './byte-cursor.ts';
import type { DumpFacts, SequenceFacts } from './facts.ts';

export interface ArchiveParser {
  /**
   * Takes the next bytes, split anywhere. Gives the offsets in the archive, lying in these bytes, at which a chunk
   * should end: behind the table of contents, and before each data block. Throws `failure` for what no pg_dump writes.
   */
  push(bytes: Buffer): readonly number[];
  /** Null until the table of contents is complete. */
  toc(): ArchiveToc | null;
  /** Call at the end of the bytes. Throws `failure` unless every announced data block was there, and whole. */
  end(): DumpFacts;
}

export function archiveParser(failure: ErrorCode = 'source_failed'): ArchiveParser {
  const cursor = byteCursor();
  const reading = readToc(cursor, failure);
  reading.next();
  let blocks: BlockParser | null = null;
  let toc: ArchiveToc | null = null;
  let offset = 0;

  function pushToc(bytes: Buffer): readonly number[] {
    cursor.append(bytes);
    const step = reading.next();
    if (!step.done) return [];
    toc = step.value;
    if (toc.header.compressed) throw archiveFailure(failure, 'its data is compressed');
    blocks = blockParser(toc, failure);
    const rest = Buffer.from(cursor.rest());
    return [toc.tocEnd, ...blocks.push(rest, toc.tocEnd)].filter((cut) => cut < offset + bytes.length);
  }

  return {
    push(bytes) {
      const cuts = blocks === null ? pushToc(bytes) : blocks.push(bytes, offset);
      offset += bytes.length;
      return cuts;
    },
    toc: () => toc,
    end() {
      if (toc === null || blocks === null) {
        throw archiveFailure(failure, 'it ends inside its table of contents');
      }
      return { ...factsOfToc(toc), sizeBytes: offset, ...blocks.end() };
    },
  };
}

function factsOfToc({ header, entries, tocEnd }: ArchiveToc) {
  const encoding = entries.find((entry) => entry.kind === 'ENCODING')?.definition ?? '';
  return {
    format: 'pg-custom' as const,
    archiveVersion: header.archiveVersion,
    serverVersion: header.serverVersion,
    pgDumpVersion: header.pgDumpVersion,
    database: header.database,
    encoding: /'([^']*)'/.exec(encoding)?.[1] ?? '',
    entries: entries.length,
    tocEnd,
    sequences: entries.filter((entry) => entry.kind === 'SEQUENCE SET').map(sequenceFacts),
  };
}

function sequenceFacts(entry: TocEntry): SequenceFacts {
  const match = /, '?(-?\d+)'?, (true|false)\);\s*$/.exec(entry.definition);
  return {
    schema: entry.schema,
    name: entry.name,
    lastValue: match?.[1] ?? '',
    isCalled: match?.[2] === 'true',
  };
}
