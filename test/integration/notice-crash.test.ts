/** A server that is killed in the middle of an attempt: nothing is lost, and the receiver can tell that it has had it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DELIVERY_HEADER } from '../../src/contracts/notice-payload.ts';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { recordEvent } from '../../src/server/catalog/events.ts';
import { writeDocument } from '../../src/server/configuration/documents.ts';
import { ATTEMPT_MS } from '../../src/server/notices/deliver.ts';
import { listDeliveries } from '../../src/server/notices/history.ts';
import { openNotices } from '../../src/server/notices/notices.ts';
import { outboundPolicy } from '../../src/server/outbound/index.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { noticeReceiver } from '../support/notice-receiver.ts';
import { SECRETS } from '../support/notice-world.ts';
import { openSqlitePlace } from '../support/sqlite-place.ts';

const source = (path: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../src/server/${path}`, import.meta.url)));

const SERVER = (file: string) => `
  import { openCatalog } from ${source('catalog/catalog.ts')};
  import { openNotices } from ${source('notices/notices.ts')};
  import { outboundPolicy } from ${source('outbound/index.ts')};
  const catalog = await openCatalog({ file: ${JSON.stringify(file)} });
  openNotices({ catalog, secrets: { environment: ${JSON.stringify(SECRETS)}, folder: '/' }, publicUrl: null,
    outbound: { policy: outboundPolicy(['127.0.0.1']) }, onError: console.error }).start();`;

test('kill -9 while a notice is under way: another server sends it again, with the same id', async (t) => {
  const address = (await openSqlitePlace().address(t)) as { file: string };
  const receiver = await noticeReceiver(t);
  const clock = fakeClock(Date.now());
  const catalog = await openCatalog(address, { clock });
  t.after(() => catalog.close());
  await catalog.transaction(async (trx) => {
    const body = { kind: 'webhook', url: receiver.url, secret: { env: 'HOOK_SECRET' } };
    await writeDocument(
      trx,
      { kind: 'channel', name: 'ops', body, replaces: null },
      { origin: 'api', name: null, atMs: 1 },
    );
    await recordEvent(trx, { kind: 'backup_failed', atMs: clock.nowMs(), tenantId: null, data: {} });
  });
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', SERVER(address.file)], {
    stdio: 'inherit',
  });
  receiver.onRequest = () => child.kill('SIGKILL');
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
  receiver.onRequest = () => {};
  const waiting = async () =>
    (await listDeliveries(catalog.db, { status: 'waiting' }, { limit: 5, after: null })).items;
  assert.equal((await waiting()).length, 1);
  const notices = openNotices({
    ...{ catalog, secrets: { environment: SECRETS, folder: '/' }, publicUrl: null },
    ...{
      outbound: { policy: outboundPolicy(['127.0.0.1']) },
      onError: (error) => assert.fail(error as Error),
    },
  });
  // From when this began; the process that was killed took its time to start.
  clock.advance(ATTEMPT_MS + 900_000);
  await notices.tick();
  assert.equal((await waiting()).length, 0);
  const ids = receiver.received.map(({ headers }) => headers[DELIVERY_HEADER.toLowerCase()]);
  assert.equal(ids.length, 2);
  assert.equal(new Set(ids).size, 1);
});
