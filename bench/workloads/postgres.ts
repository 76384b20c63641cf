/** The shop's tables in a throwaway PostgreSQL cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Cluster, startCluster } from '../../test/support/postgres-cluster.ts';
import { copyLine } from '../data/copy-text.ts';
import { rowCounts } from '../data/row-counts.ts';
import { editOf, rowOf, TABLES, type Table, tableSeed, type Value } from '../data/tables.ts';
import { type Pattern, pickChanged } from '../patterns.ts';
import { GIB } from '../sizes.ts';
import type { Workload, WorkloadOptions } from './port.ts';
import { checkDump, contentHashes, drillTarget, restoreTargets } from './postgres-restores.ts';

/** Nothing runs on its own time: a run that meets autovacuum is no worse tool than one that does not. */
const SERVER_SETTINGS = {
  autovacuum: 'off',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  maintenance_work_mem: '128MB',
};
const DATABASE = 'shop';
const BATCH_BYTES = 1 << 18;
const CHANGES_A_TRANSACTION = 50;

/** A dump of about 1 GiB at scale 1. */
export async function postgresWorkload(options: WorkloadOptions): Promise<Workload> {
  const { seed, signal } = options;
  const counts = rowCounts(GIB * options.scale, seed);
  const cluster = await startCluster({ settings: SERVER_SETTINGS });
  try {
    const url = await cluster.createDatabase(DATABASE);
    await create(cluster, url, counts, seed, signal);
    let held: string | null = null;
    const wanted = async () => {
      held ??= await contentHashes((sql) => cluster.psql(sql, DATABASE));
      return held;
    };
    const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return {
      source: { kind: 'postgres', url, binFolder: cluster.binFolder },
      sizeBytes: await dumpBytes(cluster, url, signal),
      facts: { tables: TABLES.length, rows },
      async change(pattern, round) {
        held = null;
        const updates = updatesOf(counts, seed, pattern, round);
        await feed(cluster, url, ['-f', '-'], updates.text, signal);
        await cluster.psql('vacuum analyze', DATABASE);
        return updates.count();
      },
      warm: async () => void (await dumpBytes(cluster, url, signal)),
      restoreTarget: restoreTargets(cluster, wanted),
      drillTarget: () => drillTarget(cluster.binFolder, options.folder, signal, wanted),
      checkFile: (path) => checkDump(cluster.binFolder, url, path, signal),
      close: () => cluster.stop(),
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function create(
  cluster: Cluster,
  url: string,
  counts: Map<string, number>,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const rowsOf = (name: string) => counts.get(name)!;
  for (const table of TABLES) {
    const columns = table.columns.map((column) => `${column.name} ${column.postgres}`);
    await cluster.psql(`create table ${table.name} (${columns.join(', ')})`, DATABASE);
    const lines = function* () {
      for (let n = 1; n <= rowsOf(table.name); n += 1) yield copyLine(rowOf(table, n, seed, rowsOf));
    };
    await feed(cluster, url, ['-c', `copy ${table.name} from stdin`], lines(), signal);
    await cluster.psql(keysOf(table).join(';\n'), DATABASE);
  }
  await cluster.psql('vacuum analyze', DATABASE);
}

function keysOf(table: Table): string[] {
  const { name } = table;
  return [
    `alter table ${name} add primary key (id)`,
    ...table.indexes.map(
      ({ columns, unique }) => `create ${unique ? 'unique ' : ''}index on ${name} (${columns})`,
    ),
    ...Object.entries(table.references ?? {}).map(
      ([column, other]) => `alter table ${name} add foreign key (${column}) references ${other} (id)`,
    ),
  ];
}

/** One statement a row, as applications send them. `count` is right once the text has been read. */
function updatesOf(counts: Map<string, number>, seed: number, pattern: Pattern, round: number) {
  let changed = 0;
  function* text() {
    yield 'begin;\n';
    for (const table of TABLES) {
      for (const n of pickChanged(pattern, counts.get(table.name)!, tableSeed(table, seed) + round)) {
        const values = editOf(table, n, seed, round);
        const set = table.edited.map((column, i) => `${column} = ${literal(values[i]!)}`);
        yield `update ${table.name} set ${set.join(', ')} where id = ${n};\n`;
        changed += 1;
        if (changed % CHANGES_A_TRANSACTION === 0) yield 'commit; begin;\n';
      }
    }
    yield 'commit;\n';
  }
  return { text: text(), count: () => changed };
}

function literal(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : `'\\x${value.toString('hex')}'`;
}

/** Gives psql lines of text, a batch at a time. */
async function feed(
  cluster: Cluster,
  url: string,
  args: readonly string[],
  lines: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const psql = spawn(
    join(cluster.binFolder, 'psql'),
    ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, ...args],
    {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
      detached: true,
      signal,
    },
  );
  const ended = once(psql, 'close');
  let errors = '';
  psql.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const failure = await pipeline(Readable.from(batches(lines)), psql.stdin, { signal }).catch(
    (error) => error,
  );
  const [code] = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}: ${errors.trim()}`, { cause: failure });
}

function* batches(lines: Iterable<string>): Generator<Buffer> {
  let batch = '';
  for (const line of lines) {
    batch += line;
    if (batch.length < BATCH_BYTES) continue;
    yield Buffer.from(batch);
    batch = '';
  }
  yield Buffer.from(batch);
}

async function dumpBytes(cluster: Cluster, url: string, signal: AbortSignal): Promise<number> {
  const dump = spawn(join(cluster.binFolder, 'pg_dump'), ['-Fc', '-Z0', '-d', url], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
    detached: true,
    signal,
  });
  const ended = once(dump, 'close');
  let bytes = 0;
  for await (const part of dump.stdout) bytes += part.length;
  const [code] = await ended;
  if (code !== 0) throw new Error(`pg_dump ended with ${code}`);
  return bytes;
}
