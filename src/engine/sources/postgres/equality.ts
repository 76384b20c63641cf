import type { Progress } from '../../base/progress.ts';
import { parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import type { DumpFacts } from './facts.ts';
import { serverFacts } from './snapshot.ts';
import { streamDump } from './stream-dump.ts';
import { requireTools } from './tools.ts';

export interface FingerprintOptions {
  readonly url: string;
  readonly scratchFolder: string;
  readonly toolFolders?: readonly string[];
  readonly searchPath?: string;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface ContentDifference {
  /** `public.accounts`, `sequence public.s`, `large objects`. */
  readonly what: string;
  readonly reason: string;
}

const LOCK_TIMEOUT_MS = 60_000;

/** Facts of a database as it is now: a dump is made and thrown away. For databases nobody writes to. */
export async function fingerprintDatabase(options: FingerprintOptions): Promise<DumpFacts> {
  const address = parsePostgresAddress(options.url);
  const client = await connect(address, options.signal);
  const { major } = await serverFacts(client).finally(() => endQuietly(client));
  const tools = await requireTools(major, options.toolFolders, options.searchPath);
  return streamDump({
    tools,
    address,
    snapshotId: null,
    scratchFolder: options.scratchFolder,
    sink: { write() {}, cut() {} },
    signal: options.signal,
    progress: options.progress,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
}

/**
 * Compares content: rows of every table bit for bit, sequences, large objects. Empty when equal. Both dumps must come
 * from the same row order, as a restored database gives it.
 */
export function compareDumpFacts(wanted: DumpFacts, found: DumpFacts): ContentDifference[] {
  return [
    ...compareTables(wanted, found),
    ...compareSequences(wanted, found),
    ...(wanted.largeObjects.sha256 === found.largeObjects.sha256
      ? []
      : [{ what: 'large objects', reason: objectsReason(wanted, found) }]),
  ];
}

/** Dumps the database at `options.url` and compares it with the facts of a backup. */
export async function verifyPostgresEquality(
  wanted: DumpFacts,
  options: FingerprintOptions,
): Promise<ContentDifference[]> {
  return compareDumpFacts(wanted, await fingerprintDatabase(options));
}

const keyOf = (one: { schema: string; name: string }) => `${one.schema}.${one.name}`;

function compareTables(wanted: DumpFacts, found: DumpFacts): ContentDifference[] {
  return compareBy(wanted.tables, found.tables, keyOf, (before, after) => {
    if (before.rows !== after.rows) return `${after.rows} rows instead of ${before.rows}`;
    return before.sha256 === after.sha256 ? null : 'as many rows, but not the same';
  });
}

function compareSequences(wanted: DumpFacts, found: DumpFacts): ContentDifference[] {
  const nameOf = (one: { schema: string; name: string }) => `sequence ${keyOf(one)}`;
  return compareBy(wanted.sequences, found.sequences, nameOf, (before, after) => {
    const same = before.lastValue === after.lastValue && before.isCalled === after.isCalled;
    return same ? null : `at ${after.lastValue} instead of ${before.lastValue}`;
  });
}

function compareBy<T>(
  wanted: readonly T[],
  found: readonly T[],
  nameOf: (one: T) => string,
  differ: (before: T, after: T) => string | null,
): ContentDifference[] {
  const left = new Map(found.map((one) => [nameOf(one), one]));
  const differences: ContentDifference[] = [];
  for (const one of wanted) {
    const what = nameOf(one);
    const other = left.get(what);
    left.delete(what);
    const reason = other === undefined ? 'missing' : differ(one, other);
    if (reason !== null) differences.push({ what, reason });
  }
  for (const what of left.keys()) differences.push({ what, reason: 'not in the backup' });
  return differences;
}

function objectsReason({ largeObjects: before }: DumpFacts, { largeObjects: after }: DumpFacts): string {
  if (before.count !== after.count) return `${after.count} instead of ${before.count}`;
  return 'as many, but not the same';
}
