/** `node bench/micro/ledger.ts [POSTGRES-URL]`: entries a second into the ledger, and how fast a dump of it is proven. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { NewEntry } from '../../src/server/ledger/append.ts';
import { type CatalogLedger, openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { dumpLedger } from '../../src/server/ledger/dump.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';

const entry = (n: number): NewEntry => ({
  stream: 'audit_vault',
  tenantId: 'acme',
  actor: { kind: 'user', id: '0193a000-0000-7000-8000-000000000001', name: 'somebody' },
  action: 'backup',
  object: { kind: 'backup', id: `0193a000-0000-7000-8000-${String(n).padStart(12, '0')}` },
  outcome: 'succeeded',
  detail: { plan: 'nightly', bytes_read: n * 1000, artifacts: [{ name: 'db.dump', size_bytes: n }] },
});

async function measure(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const used = process.cpuUsage(cpu);
  const cpuSeconds = (used.user + used.system) / 1e6;
  console.log(
    `${what}: ${Math.round(count / seconds)} a second (${count} in ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of processor)`,
  );
}

/** So many callers, each recording one entry after the other. */
async function callers(ledger: CatalogLedger, count: number, each: number): Promise<void> {
  const caller = async () => {
    for (let n = 0; n < each; n += 1) await ledger.record(entry(n));
  };
  await Promise.all(Array.from({ length: count }, caller));
}

async function benchmark(name: string, address: CatalogAddress, folder: string): Promise<void> {
  const catalog = await openCatalog(address);
  const ledger = openCatalogLedger(catalog, { keyFolder: join(folder, `keys-${name}`) });
  await ledger.record(entry(0));
  await measure(`${name}, 200 callers`, 20_000, () => callers(ledger, 200, 100));
  await measure(`${name}, 8 callers`, 2000, () => callers(ledger, 8, 250));
  await measure(`${name}, one caller`, 300, () => callers(ledger, 1, 300));
  await measure(`${name}, one caller, each in a transaction of its own`, 300, async () => {
    for (let n = 0; n < 300; n += 1) await catalog.transaction((trx) => ledger.recordIn(trx, [entry(n)]));
  });
  const dump = join(folder, `dump-${name}`);
  const { seq } = (await ledger.heads())!.heads[0]!;
  await measure(`${name}, dumped`, seq, () => dumpLedger(ledger.place, dump));
  await measure(`${name}, proven`, seq, async () => {
    const report = await verifyLedgerDump({ folder: dump, kept: null, pinned: [] });
    if (!report.ok) throw new Error(JSON.stringify(report.problems));
  });
  await catalog.close();
}

const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
try {
  await benchmark('sqlite', { file: join(folder, 'catalog.db') }, folder);
  const url = process.argv[2];
  if (url) await benchmark('postgres', { url }, folder);
} finally {
  await rm(folder, { recursive: true });
}
