import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqlitePlace } from '../../../test/support/sqlite-place.ts';
import { HoldfastError, MINUTE_MS } from '../../engine/index.ts';
import { writeDocument } from '../configuration/documents.ts';
import type { ServerContext } from './context.ts';
import { storageUse } from './storage-use.ts';

test('whoever looks at the same time shares one measurement, also of what does not answer', async (t) => {
  let nowMs = Date.now();
  const catalog = await openSqlitePlace().open(t, { nowMs: () => nowMs });
  const document = {
    kind: 'destination',
    name: 'main',
    body: { address: '/nowhere' },
    replaces: null,
  } as const;
  const author = { origin: 'api', name: null, atMs: nowMs } as const;
  await catalog.transaction((trx) => writeDocument(trx, document, author));
  let measured = 0;
  const workplace = {
    async destination() {
      measured += 1;
      throw new HoldfastError('storage_unreachable', 'nobody is there');
    },
  };
  const context = { catalog, workplace } as unknown as ServerContext;
  const look = storageUse();
  const seen = async () => (await look(context)).map(({ error }) => error);
  for (const round of [1, 2]) {
    const all = await Promise.all([seen(), seen(), seen()]);
    assert.deepEqual(
      all,
      [1, 2, 3].map(() => ['nobody is there']),
    );
    assert.equal(measured, round);
    nowMs += 6 * MINUTE_MS;
  }
});
