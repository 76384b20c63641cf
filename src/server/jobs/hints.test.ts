import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openCatalog } from '../catalog/catalog.ts';
import { openHints } from './hints.ts';

test('who looks after a hint from a transaction that takes its time waits for its end, and sees what it wrote', async (t) => {
  const catalog = await openCatalog({ file: join(await temporaryFolder(t), 'catalog.db') });
  const hints = openHints(catalog);
  const looked = Promise.withResolvers<number>();
  hints.listen(() => {
    const tenants = catalog.db.selectFrom('tenants').selectAll().execute();
    tenants.then((rows) => looked.resolve(rows.length), looked.reject);
  });
  await catalog.transaction(async (trx) => {
    await trx
      .insertInto('tenants')
      .values({ id: 'a', name: 'A', created_at: 1, archived_at: null })
      .execute();
    await hints.send({ type: 'due' }, trx);
    await sleep(20);
  });
  assert.equal(await looked.promise, 1);
  await hints.close();
  await catalog.close();
});
