/** One of several processes that append to the same ledger: `node ledger-appender.ts ADDRESS KEY-FOLDER NAME COUNT`. */
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { newEntry } from './ledger-world.ts';

const [address, keyFolder, name, countText] = process.argv.slice(2) as [string, string, string, string];
const catalog = await openCatalog(JSON.parse(address) as Parameters<typeof openCatalog>[0], {
  connections: 2,
});
const ledger = openCatalogLedger(catalog, { keyFolder, checkpoints: { everyEntries: 50 } });
const entryOf = (n: number) =>
  newEntry(n, {
    actor: { kind: 'process', id: name, name: null },
    stream: n % 5 === 0 ? 'org_admin_reads' : 'audit_vault',
    detail: { n },
  });
const count = Number(countText);
for (let n = 0; n < count; n += 10) {
  const numbers = Array.from({ length: Math.min(10, count - n) }, (_, i) => n + i);
  // Some by themselves, some at once, some with a transaction of the caller's.
  if (n % 30 === 0) for (const one of numbers) await ledger.record(entryOf(one));
  else if (n % 30 === 10) await Promise.all(numbers.map((one) => ledger.record(entryOf(one))));
  else await catalog.transaction((trx) => ledger.recordIn(trx, numbers.map(entryOf)));
}
await ledger.settled();
await catalog.close();
