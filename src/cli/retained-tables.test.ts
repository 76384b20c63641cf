import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { chooseTables } from './retained-tables.ts';

const CONFIG = `sources:
  pg:
    kind: postgres
    url: "postgres://app@db/orders"
    tableRetention: { audit: { column: id, maxRows: 10 }, billing.events: { column: id, maxRows: 10 } }
  lite: { kind: sqlite, path: a.db, tableRetention: { audit: { column: id, maxRows: 10 } } }
`;

test('a table of PostgreSQL is known with and without the schema public', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  const cli = fakeCli(fakeIo({ folder }));
  const named = async (source: string, table: string) =>
    (await chooseTables(cli, source, table)).map((one) => one.table);
  assert.deepEqual(await named('pg', 'public.audit'), ['audit']);
  assert.deepEqual(await named('pg', 'audit'), ['audit']);
  assert.deepEqual(await named('pg', 'billing.events'), ['billing.events']);
  await assert.rejects(named('pg', 'billing.audit'), { code: 'usage' });
  await assert.rejects(named('lite', 'public.audit'), { code: 'usage' });
});
