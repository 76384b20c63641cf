/** Where dumps are restored to, and how what came back is compared. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireServer, startThrowawayCluster } from '../../src/engine/sources/postgres/index.ts';
import type { Cluster } from '../../test/support/postgres-cluster.ts';
import { TABLES } from '../data/tables.ts';
import { output } from '../measure.ts';
import type { RestoreTarget, Workload } from './port.ts';

const DRILLED = 'drilled';

export function restoreTargets(cluster: Cluster, wanted: () => Promise<string>): Workload['restoreTarget'] {
  let targets = 0;
  return async () => {
    targets += 1;
    const name = `restored_${targets}`;
    return {
      place: await cluster.createDatabase(name),
      check: async () => requireEqual(await wanted(), await contentHashes((sql) => cluster.psql(sql, name))),
      remove: async () => void (await cluster.psql(`drop database if exists ${name} with (force)`)),
    };
  };
}

/** An empty database on a server made and set up as a drill of Holdfast makes its own. */
export async function drillTarget(
  binFolder: string,
  parent: string,
  signal: AbortSignal,
  wanted: () => Promise<string>,
): Promise<RestoreTarget> {
  // Not below `parent`: a socket's path must stay below 108 bytes.
  const folder = mkdtempSync('/tmp/holdfast-bench-pg-');
  const binaries = await requireServer(null, [binFolder]);
  chmodSync(folder, 0o711);
  const cluster = await startThrowawayCluster({ binaries, folder: join(folder, 'server'), mark: {}, signal });
  const place = cluster.urlOf(DRILLED);
  const psql = (url: string, sql: string) =>
    output(
      { steps: [[[join(binFolder, 'psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql]]] },
      join(parent, 'psql.out'),
      signal,
    );
  await psql(cluster.urlOf('postgres'), `create database ${DRILLED} template template0`);
  return {
    place,
    check: async () => requireEqual(await wanted(), await contentHashes((sql) => psql(place, sql))),
    async remove() {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Throws when the data in a dump is not that of the database: every row, in the order it lies in. */
export async function checkDump(
  binFolder: string,
  url: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  // By way of an archive on both sides: `pg_dump -a` alone has the tables in another order.
  const hash = (...steps: readonly (readonly string[])[]) =>
    output({ steps: [[...steps, ['grep', '-v', '-E', NO_DATA], ['sha256sum']]] }, `${path}.sha256`, signal);
  const toText = [join(binFolder, 'pg_restore'), '-a', '-f', '-'];
  const want = await hash([join(binFolder, 'pg_dump'), '-Fc', '-Z0', '-d', url], toText);
  const got = await hash([...toText, path]);
  rmSync(`${path}.sha256`);
  if (want !== got) throw new Error(`the data in the restored ${path} is not that of the source`);
}

/** Remarks, settings, and words that are made anew for each dump. */
const NO_DATA = '^(--|SET |SELECT pg_catalog|\\\\(un)?restrict|$)';

function requireEqual(want: string, got: string): void {
  if (want !== got) throw new Error(`the restored database holds\n${got}\nand the source\n${want}`);
}

/** Row count and a hash of all rows, whatever their order, of each table; and how many indexes and keys there are. */
export function contentHashes(ask: (sql: string) => Promise<string>): Promise<string> {
  const tables = TABLES.map(
    ({ name }) => `select '${name}', count(*), sum(hashtextextended(t::text, 0)::numeric) from ${name} t`,
  );
  const keys =
    "select 'indexes', count(*), (select count(*) from pg_constraint where connamespace = 'public'::regnamespace) " +
    "from pg_indexes where schemaname = 'public'";
  return ask([...tables, keys].join('\nunion all\n'));
}
