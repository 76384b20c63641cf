import { createReadStream } from 'node:fs';
import type { ByteSink, Facts, SourceContext, StreamArtifact } from '../port.ts';
import { archiveParser } from './archive-parser.ts';
import { type ArchiveToc, archiveFailure, tocOfStream } from './archive-toc.ts';
import { unpackArchive } from './archive-unpack.ts';
import { asFacts, type DumpFacts } from './facts.ts';
import { writeWithCuts } from './write-with-cuts.ts';

/** A dump in custom format that lies in a file, looked through to its end. */
export interface ArchiveFile {
  /** `unpacked`: stored without the compression it came with. `kept`: stored byte for byte. */
  readonly stored: 'kept' | 'unpacked';
  readonly compression: string;
  /** Null where the ranges of tables cannot be told: it is then restored by pg_restore alone. */
  readonly facts: DumpFacts | null;
  /** The bytes as they are stored. Throws `source_damaged` when the file is another by now. */
  produce(sink: ByteSink, signal: AbortSignal): Promise<Facts>;
}

const READ_BYTES = 1 << 20;

/**
 * Reads a `pg_dump --format=custom` file to its end. One compressed by zlib or zstd is to be stored without; one compressed by lz4, which
 * nothing here unpacks, is kept, and its data is not looked into. Throws `source_damaged` for one that is cut, or not sound.
 */
export async function readArchiveFile(path: string, signal: AbortSignal): Promise<ArchiveFile> {
  const toc = await tocOfStream(bytesOf(path, signal), 'source_damaged');
  const { compression } = toc.header;
  const isPacked = compression === 'gzip' || compression === 'zstd';
  const plain = () =>
    isPacked ? unpackArchive(bytesOf(path, signal), toc, 'source_damaged') : bytesOf(path, signal);
  const facts = await factsOf(toc, path, plain, signal);
  const header = headerFacts(toc, facts);
  return {
    stored: isPacked ? 'unpacked' : 'kept',
    compression,
    facts,
    async produce(sink, givenSignal) {
      const source = isPacked
        ? unpackArchive(bytesOf(path, givenSignal), toc, 'source_damaged')
        : bytesOf(path, givenSignal);
      if (facts === null) {
        for await (const bytes of source) await sink.write(bytes);
        return header;
      }
      const parser = archiveParser('source_damaged');
      let offset = 0;
      for await (const bytes of source) {
        await writeWithCuts(sink, bytes, offset, parser.push(bytes));
        offset += bytes.length;
      }
      if (JSON.stringify(parser.end()) === JSON.stringify(facts)) return header;
      throw archiveFailure('source_damaged', 'it changed while it was read');
    },
  };
}

/** Also looks through data whose facts cannot be told, so that a dump that was cut is never taken for one. */
async function factsOf(
  toc: ArchiveToc,
  path: string,
  plain: () => AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<DumpFacts | null> {
  const isCopied = toc.entries.every(
    ({ kind, hasData, copyStatement }) => kind !== 'TABLE DATA' || !hasData || copyStatement !== '',
  );
  if (!isCopied || toc.header.compression === 'lz4') {
    const asItIs = { ...toc, header: { ...toc.header, compression: 'none' as const } };
    const whole = toc.header.compression === 'lz4' ? asItIs : toc;
    for await (const _ of unpackArchive(bytesOf(path, signal), whole, 'source_damaged'))
      signal.throwIfAborted();
    return null;
  }
  const parser = archiveParser('source_damaged');
  for await (const bytes of plain()) parser.push(bytes);
  return parser.end();
}

function headerFacts({ header, entries }: ArchiveToc, facts: DumpFacts | null): Facts {
  if (facts) return asFacts(facts);
  const { archiveVersion, serverVersion, pgDumpVersion, database, compression } = header;
  return { archiveVersion, serverVersion, pgDumpVersion, database, compression, entries: entries.length };
}

async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: READ_BYTES, signal });
}

/** Such a file as an artifact of kind `pg-dump`. */
export function archiveArtifact(
  name: string,
  file: ArchiveFile,
  { signal, progress }: Pick<SourceContext, 'signal' | 'progress'>,
): StreamArtifact {
  return {
    form: 'stream',
    name,
    kind: 'pg-dump',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink) {
      const counted: ByteSink = {
        write(bytes) {
          progress.advance({ bytes: bytes.length });
          return sink.write(bytes);
        },
        cut: () => sink.cut(),
      };
      return file.produce(counted, signal);
    },
  };
}
