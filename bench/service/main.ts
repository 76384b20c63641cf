/** `npm run bench -- --service`: lists over a long history and a queue in which a thousand plans are due at once, on both catalogs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createToken } from '../../src/server/access/tokens.ts';
import { insertUser, newUserRow } from '../../src/server/access/users.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { startService } from '../../src/server/service.ts';
import { startCluster } from '../../test/support/postgres-cluster.ts';
import { commitOf, describeMachine } from '../machine.ts';
import { measureDrain } from './drain.ts';
import { fillHistory } from './fill.ts';
import { measurePages, THREE_TENANTS } from './pages.ts';
import { type CatalogResult, type ServiceResult, serviceMarkdown } from './report.ts';

const CATALOGS = ['sqlite', 'postgres'] as const;

export const SERVICE_HELP = `npm run bench -- --service [options]

Fills a catalog with a long history, starts the service on it, and measures pages of every list over HTTP; then makes many plans
due in the same minute and measures how the queue drains.

Options:
  --rows <count>       backups, jobs, triggers, and entries of each stream of the ledger  (default: 1000000)
  --plans <count>      due in the same minute  (default: 1000)
  --pages <count>      of each list  (default: 200)
  --catalog <name>     ${CATALOGS.join(' or ')}  (default: one after the other)
  --output <folder>    where results are written  (default: bench/results/service)
`;

interface Options {
  readonly rows: number;
  readonly plans: number;
  readonly pages: number;
  readonly catalogs: readonly (typeof CATALOGS)[number][];
  readonly output: string;
}

/** Throws an error whose message says what is wrong with the arguments. `args` without --service. */
export function parseService(args: readonly string[], results: string): Options | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ rows: text, plans: text, pages: text, catalog: text, output: text },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const whole = (name: string, given: string | undefined, otherwise: number) => {
    const value = Number(given ?? otherwise);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Error(`--${name} is a whole number from 1`);
  };
  const catalogs = CATALOGS.filter((name) => values.catalog === undefined || values.catalog === name);
  if (catalogs.length === 0)
    throw new Error(`--catalog knows ${CATALOGS.join(', ')}, not '${values.catalog}'`);
  return {
    rows: whole('rows', values.rows, 1_000_000),
    plans: whole('plans', values.plans, 1000),
    pages: whole('pages', values.pages, 200),
    ...{ catalogs, output: values.output ?? join(results, 'service') },
  };
}

export async function benchService(options: Options, root: string, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-service-'));
  const started = new Date();
  const { rows, plans, pages } = options;
  const head = {
    ...{ format: 1 as const, startedAt: started.toISOString(), commit: commitOf(root) },
    ...{ machine: describeMachine(folder), settings: { rows, plans, pages } },
  };
  const done: CatalogResult[] = [];
  const base = join(options.output, `${head.startedAt.slice(0, 16).replace(':', '')}-${head.commit}`);
  try {
    for (const name of options.catalogs) {
      done.push(await onCatalog(name, options, join(folder, name), signal));
      write(base, { ...head, catalogs: done });
    }
    console.log(`wrote ${base}.json and .md`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(base: string, result: ServiceResult): void {
  mkdirSync(join(base, '..'), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${base}.md`, `# The service with a long history\n\n${serviceMarkdown(result)}\n`);
}

async function onCatalog(
  name: (typeof CATALOGS)[number],
  options: Options,
  home: string,
  signal: AbortSignal,
): Promise<CatalogResult> {
  mkdirSync(home, { recursive: true });
  if (name === 'sqlite') return measure(name, { file: join(home, 'catalog.db') }, options, home, signal);
  const cluster = await startCluster({ settings: { shared_buffers: '256MB' } });
  try {
    const address = { url: await cluster.createDatabase('service') };
    return await measure(name, address, options, home, signal);
  } finally {
    await cluster.stop();
  }
}

async function measure(
  name: CatalogResult['catalog'],
  address: CatalogAddress,
  { rows, plans, pages }: Options,
  home: string,
  signal: AbortSignal,
): Promise<CatalogResult> {
  const catalog = await openCatalog(address);
  const rss = () => process.memoryUsage.rss();
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
    const rssBytes = { filled: rss(), afterPages: 0, afterPagesAgain: 0, afterDrain: 0 };
    try {
      const ask = { address: service.address, ...tokens, filled, signal };
      const lists = await measurePages({
        ...{ ...ask, pages },
        onList: ({ list, p50Ms, p95Ms, items }) =>
          console.log(`  ${list.padEnd(34)} p50 ${ms(p50Ms)}  p95 ${ms(p95Ms)}  ${items} items`),
      });
      rssBytes.afterPages = rss();
      // Once more, for memory alone: what grew by asking would grow again.
      await measurePages({ ...ask, pages, onList: () => {} });
      rssBytes.afterPagesAgain = rss();
      const drain = await measureDrain(catalog, plans, signal);
      rssBytes.afterDrain = rss();
      console.log(
        `  ${plans} plans drained in ${drain.seconds.toFixed(1)} s; memory ${JSON.stringify(rssBytes)}`,
      );
      return { catalog: name, fillSeconds, lists, drain, rssBytes };
    } finally {
      await service.stop();
    }
  } finally {
    await catalog.close();
  }
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
    await catalog.db
      .insertInto('tenants')
      .values({ id, name: id, created_at: nowMs, archived_at: null })
      .execute();
  }
  const secretOf = async (name: string, role: 'owner' | null) => {
    const row = await newUserRow({ name, password, role }, nowMs);
    const roles = role ? {} : Object.fromEntries(THREE_TENANTS.map((id) => [id, 'operator' as const]));
    await insertUser(catalog.db, row, roles);
    return (await createToken(catalog.db, row.id, given, nowMs)).secret;
  };
  return { everything: await secretOf('owner', 'owner'), threeTenants: await secretOf('three', null) };
}
