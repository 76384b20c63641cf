/** The measurement on one catalog, as a process of its own: `node one-catalog.ts '{"catalog":"sqlite",…}'`; the result goes to the parent. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createToken } from '../../src/server/access/tokens.ts';
import { insertUser, newUserRow } from '../../src/server/access/users.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { startService } from '../../src/server/service.ts';
import { startCluster } from '../../test/support/postgres-cluster.ts';
import { measureDrain } from './drain.ts';
import { fillHistory } from './fill.ts';
import { measurePages, THREE_TENANTS } from './pages.ts';
import type { CatalogResult, MemoryPoint } from './report.ts';

const TRIES = 5;

interface Counts {
  readonly rows: number;
  readonly plans: number;
  readonly pages: number;
}

export interface CatalogTask extends Counts {
  readonly catalog: CatalogResult['catalog'];
  /** The data folder of the service; the parent removes it. */
  readonly home: string;
  /** A folder with a filled catalog of SQLite, or for one; null for none. */
  readonly keep: string | null;
}

async function onCatalog(
  { catalog: name, home, keep, ...options }: CatalogTask,
  signal: AbortSignal,
): Promise<CatalogResult> {
  mkdirSync(home, { recursive: true });
  if (name === 'sqlite') {
    const file = join(home, 'catalog.db');
    if (keep !== null) await takeKept(file, join(keep, 'catalog.db'), options.rows);
    return measure(name, { file }, options, home, signal);
  }
  const cluster = await startCluster({ settings: { shared_buffers: '256MB' } });
  try {
    const address = { url: await cluster.createDatabase('service') };
    return await measure(name, address, options, home, signal);
  } finally {
    await cluster.stop();
  }
}

/** Copied, so that what is kept stays as it was filled. */
async function takeKept(file: string, kept: string, rows: number): Promise<void> {
  if (!existsSync(kept)) {
    const catalog = await openCatalog({ file });
    await fillHistory(catalog, rows, Date.now() - 60_000);
    await catalog.close();
    mkdirSync(dirname(kept), { recursive: true });
    copyFileSync(file, kept);
    return;
  }
  copyFileSync(kept, file);
}

async function measure(
  name: CatalogResult['catalog'],
  address: CatalogAddress,
  { rows, plans, pages }: Counts,
  home: string,
  signal: AbortSignal,
): Promise<CatalogResult> {
  const catalog = await openCatalog(address);
  try {
    const tokens = await makeTokens(catalog);
    const filledFromMs = performance.now();
    const filled = await fillHistory(catalog, rows, Date.now() - 60_000);
    const fillSeconds = (performance.now() - filledFromMs) / 1000;
    console.log(`${name}: ${rows} rows in each of 6 tables, written in ${fillSeconds.toFixed(0)} s`);
    const service = await startService({
      ...{ home, workplace: NOWHERE, labels: [], concurrency: null },
      environment: {
        HOLDFAST_PORT: '0',
        ...('url' in address ? { HOLDFAST_DATABASE_URL: address.url } : {}),
      },
    });
    const memory: MemoryPoint[] = [memoryAt('start')];
    try {
      const ask = { address: service.address, ...tokens, filled, signal };
      const lists = await measurePages({
        ...{ ...ask, pages, tries: TRIES },
        onList: ({ list, p50Ms, p95Ms, items }) =>
          console.log(`  ${list.padEnd(34)} p50 ${ms(p50Ms)}  p95 ${ms(p95Ms)}  ${items} items`),
      });
      memory.push(memoryAt('pages'));
      // Once more, for memory alone: what grew by asking would grow again.
      for (const what of ['pages again', 'and again']) {
        await measurePages({ ...ask, pages, tries: 1, onList: () => {} });
        memory.push(memoryAt(what));
      }
      const drain = await measureDrain(catalog, plans, signal);
      memory.push(memoryAt('drain'));
      console.log(
        `  ${plans} plans drained in ${drain.seconds.toFixed(1)} s; memory ${JSON.stringify(memory)}`,
      );
      return { catalog: name, fillSeconds, lists, drain, memory };
    } finally {
      await service.stop();
    }
  } finally {
    await catalog.close();
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use is what is left once garbage is collected; the rest of the resident set is what V8 has not given back yet. */
function memoryAt(after: string): MemoryPoint {
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { after, residentBytes: rss, usedBytes: heapUsed + external };
}

const ms = (value: number) => `${value.toFixed(1).padStart(7)} ms`;

/** Nothing is backed up here: lists and queue are all that is asked. */
const NOWHERE = {
  destination: async () => {
    throw new Error('there is no destination');
  },
  source: async () => {
    throw new Error('there is no source');
  },
  drill: async () => {
    throw new Error('there is no drill');
  },
  evidence: { stateFolder: '', signingKeyFile: '' },
};

async function makeTokens(catalog: Catalog): Promise<{ everything: string; threeTenants: string }> {
  const nowMs = catalog.clock.nowMs();
  const scopes = ['backups:read', 'jobs:read', 'ledger:read'] as const;
  const given = { name: 'bench', scopes, tenantId: null, expiresAtMs: nowMs + 86_400_000 };
  const password = 'only for the benchmark';
  for (const id of THREE_TENANTS) {
    const tenant = { id, name: id, created_at: nowMs, archived_at: null };
    await catalog.db
      .insertInto('tenants')
      .values(tenant)
      .onConflict((one) => one.doNothing())
      .execute();
  }
  const userOf = async (name: string, role: 'owner' | null) => {
    const known = await catalog.db
      .selectFrom('users')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    if (known) return known;
    const row = await newUserRow({ name, password, role }, nowMs);
    const roles = role ? {} : Object.fromEntries(THREE_TENANTS.map((id) => [id, 'operator' as const]));
    await insertUser(catalog.db, row, roles);
    return row;
  };
  const secretOf = async (name: string, role: 'owner' | null) =>
    (await createToken(catalog.db, (await userOf(name, role)).id, given, nowMs)).secret;
  return { everything: await secretOf('owner', 'owner'), threeTenants: await secretOf('three', null) };
}

if (process.send) {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const)
    process.on(signal, () => interrupt.abort());
  const result = await onCatalog(JSON.parse(process.argv[2]!) as CatalogTask, interrupt.signal);
  process.send(result, () => process.disconnect());
}
