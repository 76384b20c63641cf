/** What was restored against what was backed up, bit for bit. Nothing here asks the live system anything. */
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import type { ChunkReader } from '../../repository/chunk-reader.ts';
import type { Manifest, ManifestArtifact } from '../../repository/manifest.ts';
import type { ArtifactReader, Facts } from '../../sources/port.ts';
import {
  type ContentDifference,
  compareDumpFacts,
  compareSchemas,
  type DumpFacts,
  dumpForComparison,
  factsOfArchive,
  parseDumpFacts,
  schemaDigest,
} from '../../sources/postgres/index.ts';
import { checkSqliteFile } from '../../sources/sqlite/index.ts';
import type { OperationContext } from '../context.ts';
import { compareExport } from './compare-export.ts';
import { compareTree, hashOfFile } from './compare-tree.ts';
import type { CheckResult } from './drill-types.ts';
import type { RestoredDump, RestoredFile, RestoredScript, RestoredState } from './restore-all.ts';

/** What reads one backup of the recovery. */
export interface ReadingPart {
  readonly context: OperationContext;
  readonly manifest: Manifest;
  readonly reader: ArtifactReader;
  readonly chunks: ChunkReader;
}

export interface Comparison {
  readonly context: OperationContext;
  readonly parts: readonly ReadingPart[];
  readonly scratchFolder: string;
  readonly state: RestoredState;
}

export interface ComparedContent {
  /** Sources whose tables could be counted. */
  readonly counted: ReadonlySet<string>;
  readonly checks: readonly CheckResult[];
  readonly tables: readonly { readonly source: string; readonly name: string; readonly rows: number }[];
}

type Verdict = Pick<CheckResult, 'status' | 'detail'>;
type Table = ComparedContent['tables'][number];

const partOf = ({ parts }: Comparison, artifact: ManifestArtifact) =>
  parts.find(({ manifest }) => manifest.artifacts.includes(artifact))!;

const NAMED = 5;
const green = (detail: string): Verdict => ({ status: 'green', detail });
const red = (detail: string): Verdict => ({ status: 'red', detail });
const plural = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** A check that throws is red with what it threw; only an interruption goes on. */
export async function judged(
  name: string,
  kind: string,
  signal: AbortSignal,
  look: () => Promise<Verdict>,
): Promise<CheckResult> {
  const started = performance.now();
  const done = (verdict: Verdict): CheckResult => ({
    ...{ name, kind, status: verdict.status, detail: verdict.detail },
    durationMs: Math.round(performance.now() - started),
  });
  try {
    return done(await look());
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    return done(red(asHoldfastError(error).message));
  }
}

export async function compareContent(run: Comparison): Promise<ComparedContent> {
  const { context, state } = run;
  const { progress, signal } = context;
  const checks: CheckResult[] = [];
  const tables: Table[] = [];
  const counted = new Set<string>();
  for (const dump of state.dumps) checks.push(...(await compareDump(run, dump, tables, counted)));
  for (const script of state.scripts) {
    checks.push(await compareScript(run, script, tables, counted));
  }
  for (const one of state.exports) {
    progress.phase(`compare ${one.source}`, {});
    checks.push(
      await judged(`content of ${one.source}`, 'content', signal, async () => {
        const { rows, differences } = await compareExport(one, signal);
        counted.add(one.source);
        tables.push(...rows.map((table) => ({ source: one.source, ...table })));
        return differences.length === 0
          ? green(`${sumOf(rows)}, equal to what was exported`)
          : red(listed(differences));
      }),
    );
  }
  for (const file of state.databases) {
    progress.phase(`compare ${file.artifact.name}`, {});
    checks.push(
      await judged(`content of ${file.artifact.name}`, 'content', signal, () =>
        checkSqlite(file, tables, counted, signal),
      ),
    );
  }
  for (const tree of state.trees) {
    progress.phase(`compare ${tree.artifact.name}`, {});
    checks.push(
      await judged(`content of ${tree.artifact.name}`, 'content', signal, async () => {
        const { context: held, reader, chunks } = partOf(run, tree.artifact);
        const { chunkIdKey } = held.repository.keys;
        const found = await compareTree(reader, tree, { chunks, chunkIdKey, signal });
        const { differences, moreDifferences } = found;
        if (differences.length > 0) return red(listed(differences, moreDifferences));
        return green(
          `${plural(found.entries, 'entry', 'entries')}, ${found.bytes} bytes of files, every byte equal`,
        );
      }),
    );
  }
  for (const { artifact, path } of state.files) {
    checks.push(
      await judged(`content of ${artifact.name}`, 'content', signal, async () =>
        (await hashOfFile(path, signal)) === artifact.sha256
          ? green(`${artifact.sizeBytes} bytes, every byte equal`)
          : red('not the bytes that were backed up'),
      ),
    );
  }
  return { checks, tables, counted };
}

async function compareDump(
  run: Comparison,
  dump: RestoredDump,
  tables: Table[],
  counted: Set<string>,
): Promise<CheckResult[]> {
  const { context, scratchFolder, state } = run;
  const { signal, progress } = context;
  const { artifact, source, database } = dump;
  progress.phase(`compare ${artifact.name}`, { bytes: artifact.sizeBytes });
  let found: Awaited<ReturnType<typeof dumpForComparison>> | null = null;
  const content = await judged(`content of ${artifact.name}`, 'content', signal, async () => {
    found = await dumpForComparison({ url: database.adminUrl, scratchFolder, signal, progress });
    counted.add(source);
    const wanted =
      parseDumpFacts(artifact.facts) ??
      (await factsOfArchive(partOf(run, artifact).reader.read(artifact.content)));
    tables.push(
      ...found.facts.tables.map(({ schema, name, rows }) => ({ source, name: `${schema}.${name}`, rows })),
    );
    if (wanted === null) {
      state.limits.push(`${artifact.name}: its data is compressed, so its content could not be compared`);
      return green(`${sumOf(found.facts.tables)} loaded without an error; nothing to compare them with`);
    }
    const differences = compareDumpFacts(wanted, found.facts);
    if (differences.length > 0) return red(listed(differences.map(sentence)));
    return green(`${sumOf(found.facts.tables)}, ${extrasOf(found.facts)}every row equal`);
  });
  const schema = await judged(`schema of ${artifact.name}`, 'schema', signal, async () => {
    if (found === null) return red('it could not be dumped again');
    const dumped: Awaited<ReturnType<typeof dumpForComparison>> = found;
    if (!isSameMajor(dump, dumped.facts)) {
      state.limits.push(
        `${artifact.name}: definitions were not compared, since another version of PostgreSQL writes them`,
      );
      return green('restored without an error; not compared, since another version writes it differently');
    }
    const differences = compareSchemas(dump.toc, dumped.toc, { owners: dump.owners });
    if (differences.length > 0) return red(listed(differences.map(sentence)));
    return green(`equal, SHA-256 ${schemaDigest(dumped.toc, { owners: dump.owners })}`);
  });
  return [content, schema];
}

/** The rows of a script against those of the database it was loaded into; its definitions have no second form to compare. */
function compareScript(
  { context, scratchFolder }: Comparison,
  { artifact, source, database }: RestoredScript,
  tables: Table[],
  counted: Set<string>,
): Promise<CheckResult> {
  const { signal, progress } = context;
  progress.phase(`compare ${artifact.name}`, { bytes: artifact.sizeBytes });
  return judged(`content of ${artifact.name}`, 'content', signal, async () => {
    const { facts } = await dumpForComparison({ url: database.adminUrl, scratchFolder, signal, progress });
    const found = facts.tables.map((table) => ({ ...table, name: `${table.schema}.${table.name}` }));
    tables.push(...found.map(({ name, rows }) => ({ source, name, rows })));
    counted.add(source);
    const wanted = scriptTables(artifact.facts);
    const differences = wanted.flatMap(({ table, rows, sha256 }) => {
      const same = found.find(({ name }) => name === table.replaceAll('"', ''));
      if (!same) return [`${table}: missing`];
      if (same.rows !== rows) return [`${table}: ${same.rows} rows instead of ${rows}`];
      return same.sha256 === sha256 ? [] : [`${table}: as many rows, but not the same`];
    });
    if (differences.length > 0) return red(listed(differences));
    return green(`${sumOf(found)}, every row of ${plural(wanted.length, 'table')} of the script equal`);
  });
}

function scriptTables({ tables }: Facts) {
  if (!Array.isArray(tables)) return [];
  return tables as unknown as readonly { table: string; rows: number; sha256: string }[];
}

function isSameMajor({ toc: { header } }: RestoredDump, found: DumpFacts): boolean {
  const same = (a: string, b: string) => Number.parseInt(a, 10) === Number.parseInt(b, 10);
  return same(header.serverVersion, found.serverVersion) && same(header.pgDumpVersion, found.pgDumpVersion);
}

function extrasOf({ sequences, largeObjects }: DumpFacts): string {
  const parts = [
    ...(sequences.length > 0 ? [plural(sequences.length, 'sequence')] : []),
    ...(largeObjects.count > 0 ? [plural(largeObjects.count, 'large object')] : []),
  ];
  return parts.map((part) => `${part}, `).join('');
}

function sumOf(tables: readonly { readonly rows: number }[]): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `${plural(rows, 'row')} in ${plural(tables.length, 'table')}`;
}

const sentence = ({ what, reason }: ContentDifference) => `${what}: ${reason}`;

function listed(all: readonly string[], more = 0): string {
  const rest = all.length - NAMED + more;
  return `${all.slice(0, NAMED).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

async function checkSqlite(
  { artifact, path }: RestoredFile,
  tables: Table[],
  counted: Set<string>,
  signal: AbortSignal,
): Promise<Verdict> {
  if ((await hashOfFile(path, signal)) !== artifact.sha256) return red('not the bytes that were backed up');
  const checked = await checkSqliteFile(path, signal);
  const known = Array.isArray(artifact.facts.damage);
  if (checked.damage.length > 0) {
    return red(`${known ? 'backed up damaged: ' : 'fails its integrity check: '}${listed(checked.damage)}`);
  }
  const found = checked.facts?.tables ?? [];
  const wanted = rowsOf(artifact.facts);
  const differences = found.flatMap(({ name, rows }) => {
    const before = wanted.get(name);
    return before === undefined || before === rows ? [] : [`${name}: ${rows} rows instead of ${before}`];
  });
  if (differences.length > 0) return red(listed(differences));
  const rows = found.map(({ name, rows }) => ({ source: artifact.source, name, rows: rows ?? 0 }));
  tables.push(...rows);
  counted.add(artifact.source);
  const violations = checked.facts?.foreignKeyViolations ?? 0;
  const note = violations > 0 ? `, ${plural(violations, 'row')} violating a foreign key as before` : '';
  return green(`${sumOf(rows)}, every byte equal, integrity check passed${note}`);
}

function rowsOf(facts: Facts): Map<string, number | null> {
  const { tables } = facts;
  if (!Array.isArray(tables)) return new Map();
  return new Map(
    tables.map((table: { name: string; rows: number | null }) => [table.name, table.rows] as const),
  );
}
