/** Reliability test 41: eight processes append to one ledger at once, on both catalogs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { dumpLedger } from '../../src/server/ledger/dump.ts';
import type { Entry } from '../../src/server/ledger/proof/statements.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';
import { rotateLedgerKey } from '../../src/server/ledger/rotate-keys.ts';
import { type CatalogPlace, onEachCatalog } from '../support/catalogs.ts';
import { count } from '../support/counts.ts';
import { newEntry, readDump } from '../support/ledger-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const PROCESSES = 8;
const EACH = count(40, 600);
const APPENDER = fileURLToPath(new URL('../support/ledger-appender.ts', import.meta.url));

async function appender(address: unknown, keyFolder: string, name: string): Promise<void> {
  const child = spawn(process.execPath, [APPENDER, JSON.stringify(address), keyFolder, name, String(EACH)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `appender ${name}: ${said}`);
}

async function proven(t: TestContext, catalog: Catalog, keyFolder: string) {
  const ledger = openCatalogLedger(catalog, { keyFolder });
  const anchor = await ledger.headText();
  const folder = join(await temporaryFolder(t), 'dump');
  await dumpLedger(ledger.place, folder);
  const kept = [{ where: 'the end', ledgerHead: anchor! }];
  const report = await verifyLedgerDump({ folder, kept, pinned: [] });
  assert.deepEqual(report.problems, []);
  return readDump(folder);
}

/** Numbers that a process gave, in the order of the ledger. */
const numbersOf = (entries: readonly Entry[], name: string) =>
  entries.filter(({ actor_id }) => actor_id === name).map(({ detail }) => (detail as { n: number }).n);

onEachCatalog('parallel appenders', (place: CatalogPlace) => {
  test('eight processes make one chain: nothing lost, nothing twice, each in its own order', async (t) => {
    const address = await place.address(t);
    const keyFolder = join(await temporaryFolder(t), 'ledger-keys');
    await mkdir(keyFolder);
    const names = Array.from({ length: PROCESSES }, (_, i) => `p${i}`);
    const catalog = await openCatalog(address);
    t.after(() => catalog.close());
    const running = Promise.all(names.map((name) => appender(address, keyFolder, name)));
    // In the middle of it the key is rotated: every process goes on with the new one.
    const ledger = openCatalogLedger(catalog, { keyFolder });
    await ledger.record(newEntry(-1));
    const { added } = await rotateLedgerKey(ledger);
    await running;
    const lines = await proven(t, catalog, keyFolder);
    for (const name of names) {
      const all = Array.from({ length: EACH }, (_, n) => n);
      assert.deepEqual(
        numbersOf(lines.audit_vault, name),
        all.filter((n) => n % 5 !== 0),
      );
      assert.deepEqual(
        numbersOf(lines.org_admin_reads, name),
        all.filter((n) => n % 5 === 0),
      );
    }
    assert.equal(lines.audit_vault.at(-1)!.key_id, added);
  });

  test('a process that is killed leaves a chain that is whole, and others go on', async (t) => {
    const address = await place.address(t);
    const keyFolder = join(await temporaryFolder(t), 'ledger-keys');
    const catalog = await openCatalog(address);
    t.after(() => catalog.close());
    const ledger = openCatalogLedger(catalog, { keyFolder });
    await ledger.record(newEntry(0));
    for (let round = 0; round < count(2, 40); round += 1) {
      const args = [APPENDER, JSON.stringify(address), keyFolder, `k${round}`, '100000'];
      const child = spawn(process.execPath, args, { stdio: 'ignore' });
      const before = (await ledger.heads())!.heads[0]!.seq;
      await untilTrue(async () => (await ledger.heads())!.heads[0]!.seq > before + 20 + round);
      child.kill('SIGKILL');
      await once(child, 'close');
      const { seq } = await ledger.record(newEntry(round));
      const lines = await proven(t, catalog, keyFolder);
      assert.equal(lines.audit_vault.length, seq);
    }
  });

  test('control: who appends without waiting for its turn is refused by the database, and forks nothing', async (t) => {
    const catalog = await place.open(t);
    const keyFolder = join(await temporaryFolder(t), 'ledger-keys');
    const ledger = openCatalogLedger(catalog, { keyFolder });
    const made = await ledger.record(newEntry(1));
    const rows = Array.from({ length: PROCESSES }, (_, i) => ({
      ...{
        seq: made.seq + 1,
        at: 1,
        tenant_id: null,
        actor_kind: 'rude',
        actor_id: String(i),
        actor_name: null,
      },
      ...{ action: 'fork', object_kind: null, object_id: null, outcome: 'succeeded', detail: '{}' },
      ...{ previous_hash: made.hash, hash: String(i).repeat(64), signature: 'x', key_id: made.key_id },
    }));
    const ends = await Promise.allSettled(
      rows.map((row) => catalog.db.insertInto('audit_vault').values(row).execute()),
    );
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
    const { problems } = await verifyDumpOf(t, catalog, keyFolder);
    assert.deepEqual(
      problems.map(({ code, seq }) => [code, seq]),
      [['line_malformed', made.seq + 1]],
    );
  });
});

async function verifyDumpOf(t: TestContext, catalog: Catalog, keyFolder: string) {
  const ledger = openCatalogLedger(catalog, { keyFolder });
  const folder = join(await temporaryFolder(t), 'dump');
  await dumpLedger(ledger.place, folder);
  return verifyLedgerDump({ folder, kept: null, pinned: [] });
}
