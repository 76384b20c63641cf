import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { parsePostgresAddress } from './address.ts';
import { archiveParser } from './archive-parser.ts';
import { type ArchiveToc, type TocEntry, tocOfStream } from './archive-toc.ts';
import { connect, endQuietly } from './connect.ts';
import type { ContentDifference } from './equality.ts';
import type { DumpFacts } from './facts.ts';
import { serverFacts } from './snapshot.ts';
import { streamDump } from './stream-dump.ts';
import { requireTools } from './tools.ts';

export interface ComparisonDump {
  readonly facts: DumpFacts;
  readonly toc: ArchiveToc;
}

export interface ComparisonOptions {
  readonly url: string;
  readonly scratchFolder: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const LOCK_TIMEOUT_MS = 60_000;

/** Dumps a database nobody writes to, keeping what the dump says of it and not the dump. Throws what `streamDump` throws. */
export async function dumpForComparison(options: ComparisonOptions): Promise<ComparisonDump> {
  const address = parsePostgresAddress(options.url);
  const client = await connect(address, options.signal);
  const { major } = await serverFacts(client).finally(() => endQuietly(client));
  const tools = await requireTools(major);
  const head = archiveParser();
  const facts = await streamDump({
    tools,
    address,
    snapshotId: null,
    scratchFolder: options.scratchFolder,
    sink: {
      write(bytes) {
        if (head.toc() === null) head.push(Buffer.from(bytes));
      },
      cut() {},
    },
    signal: options.signal,
    progress: options.progress,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  const toc = head.toc();
  if (toc === null) throw new HoldfastError('source_failed', 'the dump of the restored database has no end');
  return { facts, toc };
}

/** The table of contents of a stored dump. Throws `object_damaged`. */
export function tocOfDump(content: AsyncIterable<Buffer>): Promise<ArchiveToc> {
  return tocOfStream(content, 'object_damaged');
}

/** What an archive says of a dump whose facts nobody wrote down; null when its data is compressed. Throws `object_damaged`. */
export async function factsOfArchive(content: AsyncIterable<Buffer>): Promise<DumpFacts | null> {
  const parser = archiveParser('object_damaged');
  try {
    for await (const bytes of content) parser.push(Buffer.from(bytes));
  } catch (error) {
    if (error instanceof HoldfastError && /compressed/.test(error.message)) return null;
    throw error;
  }
  return parser.end();
}

/** What carries data or sets up a session of pg_restore, and defines nothing. */
const NO_DEFINITION = new Set([
  ...['TABLE DATA', 'SEQUENCE SET', 'BLOBS', 'BLOB METADATA', 'ENCODING', 'STDSTRINGS', 'SEARCHPATH'],
  ...['DATABASE', 'DATABASE PROPERTIES', 'MATERIALIZED VIEW DATA'],
]);
/** What is left out with owners and grants. */
const OF_OWNERS = new Set(['ACL', 'DEFAULT ACL']);

export interface SchemaOptions {
  /** False where owners and grants were left out of the restore. */
  readonly owners: boolean;
}

interface Definition {
  readonly what: string;
  readonly text: string;
}

function definitionsOf(toc: ArchiveToc, { owners }: SchemaOptions): Definition[] {
  const wanted = toc.entries.filter(
    (entry) => !NO_DEFINITION.has(entry.kind) && (owners || !OF_OWNERS.has(entry.kind)),
  );
  return wanted
    .map((entry) => ({
      what: nameOf(entry),
      text: JSON.stringify([
        entry.kind,
        entry.schema,
        entry.name,
        entry.definition,
        owners ? entry.owner : '',
      ]),
    }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
}

const nameOf = ({ kind, schema, name }: TocEntry) =>
  `${kind.toLowerCase()} ${schema === '' ? '' : `${schema}.`}${name}`;

/** SHA-256 in hex of every definition in a dump, whatever their order. */
export function schemaDigest(toc: ArchiveToc, options: SchemaOptions): string {
  const hash = createHash('sha256');
  for (const { text } of definitionsOf(toc, options)) hash.update(`${text}\n`);
  return hash.digest('hex');
}

/** Definitions that only one of two dumps has; empty when the schemas are the same. Of dumps by the same major version. */
export function compareSchemas(
  wanted: ArchiveToc,
  found: ArchiveToc,
  options: SchemaOptions,
): ContentDifference[] {
  const left = new Map<string, { what: string; count: number }>();
  for (const { what, text } of definitionsOf(wanted, options)) {
    const known = left.get(text);
    if (known) known.count += 1;
    else left.set(text, { what, count: 1 });
  }
  const extra: string[] = [];
  for (const { what, text } of definitionsOf(found, options)) {
    const known = left.get(text);
    if (known && known.count > 0) known.count -= 1;
    else extra.push(what);
  }
  const missing = [...left.values()].filter(({ count }) => count > 0).map(({ what }) => what);
  const changed = new Set(missing.filter((what) => extra.includes(what)));
  return [
    ...[...changed].map((what) => ({ what, reason: 'defined differently' })),
    ...missing.filter((what) => !changed.has(what)).map((what) => ({ what, reason: 'missing' })),
    ...extra.filter((what) => !changed.has(what)).map((what) => ({ what, reason: 'not in the backup' })),
  ];
}
