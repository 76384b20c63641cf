import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newEntry } from '../../../test/support/ledger-world.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openCatalog } from '../catalog/catalog.ts';
import { placeOfCatalog } from './catalog-place.ts';
import { dumpLedger } from './dump.ts';
import { openLedger } from './ledger.ts';

async function ledgerOf(t: TestContext) {
  const folder = await temporaryFolder(t);
  const catalog = await openCatalog({ file: join(folder, 'catalog.db') });
  t.after(() => catalog.close());
  return openLedger(placeOfCatalog(catalog), { keyFolder: join(folder, 'ledger-keys') });
}

test('a dump replaces an earlier one of the same ledger, and no other', async (t) => {
  const ours = await ledgerOf(t);
  await ours.recordAll([1, 2, 3].map((n) => newEntry(n)));
  const folder = join(await temporaryFolder(t), 'dump');
  const first = await dumpLedger(ours.place, folder);
  // Longer than what is read of the end at once.
  await ours.recordAll([newEntry(4, { detail: { long: 'x'.repeat(200_000) } })]);
  await dumpLedger(ours.place, folder);
  const again = await dumpLedger(ours.place, folder);
  assert.equal(again.counts.audit_vault, first.counts.audit_vault! + 1);
  const kept = await readFile(join(folder, 'audit_vault.ndjson'), 'utf8');

  const other = await ledgerOf(t);
  await other.recordAll([1, 2, 3, 4, 5, 6].map((n) => newEntry(n)));
  const refused = {
    code: 'target_not_empty',
    message: /audit_vault\.ndjson ends with entry \d+, which this/,
  };
  await assert.rejects(dumpLedger(other.place, folder), refused);
  assert.equal(await readFile(join(folder, 'audit_vault.ndjson'), 'utf8'), kept);
  assert.equal((await readdir(folder)).length, 5);
});

test('a dump with entries that the ledger lost, and what is no dump, stay', async (t) => {
  const ours = await ledgerOf(t);
  await ours.recordAll([newEntry(1)]);
  const folder = join(await temporaryFolder(t), 'dump');
  await mkdir(folder);
  const file = join(folder, 'audit_vault.ndjson');
  const later = '{"seq":900,"hash":"00"}\n';
  for (const [text, message] of [
    [later, /ends with entry 900/],
    ['notes of somebody\n', /no dump of a ledger/],
  ] as const) {
    await writeFile(file, text);
    await assert.rejects(dumpLedger(ours.place, folder), { code: 'target_not_empty', message });
    assert.equal(await readFile(file, 'utf8'), text);
  }
  await writeFile(file, '');
  await dumpLedger(ours.place, folder);
  assert.notEqual(await readFile(file, 'utf8'), '');
});
