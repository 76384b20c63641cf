/** Hooks in a worker, and what a run says to a ping address: from the queue to the receiver. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeDocument } from '../../src/server/configuration/documents.ts';
import { openNotices } from '../../src/server/notices/notices.ts';
import { outboundPolicy } from '../../src/server/outbound/index.ts';
import type { BackupResult } from '../../src/server/worker/port.ts';
import { noticeReceiver } from '../support/notice-receiver.ts';
import { runnerWorld } from '../support/runner-world.ts';
import { openSqlitePlace } from '../support/sqlite-place.ts';

test('hooks run around a job, and its beginning and end reach a ping address and a webhook', async (t) => {
  const world = await runnerWorld(openSqlitePlace(), t);
  const { catalog, folder } = world;
  const receiver = await noticeReceiver(t);
  const log = join(folder, 'hooks.log');
  const note = (text: string) => ({ shell: `echo ${text} >> ${log}` });
  const hooks = (after: object[]) => ({ before: [note('$HOLDFAST_HOOK $HOLDFAST_PLAN')], after });
  const told = note('$HOLDFAST_STATUS $HOLDFAST_BACKUP_ID $HOLDFAST_ERROR_CODE');
  await world.write('plan', 'good', { sources: ['app'], destination: 'main', hooks: hooks([told]) });
  await world.write('plan', 'stuck', {
    ...{ sources: ['app'], destination: 'main' },
    hooks: hooks([{ shell: 'echo still read-only >&2; exit 1' }, told]),
  });
  await world.write('plan', 'stopped', {
    ...{ sources: ['app'], destination: 'main' },
    hooks: { before: [{ command: ['false'] }], after: [told] },
  });
  const author = { origin: 'api', name: null, atMs: Date.now() } as const;
  await catalog.transaction(async (trx) => {
    const ping = { kind: 'ping', url: `${receiver.url}/ping`, rules: [{ plans: ['good', 'stopped'] }] };
    await writeDocument(trx, { kind: 'channel', name: 'ping', body: ping, replaces: null }, author);
    const hook = {
      kind: 'webhook',
      url: `${receiver.url}/hook`,
      secret: { env: 'S' },
      rules: [{ plans: ['good'], events: ['backup_completed'] }],
    };
    await writeDocument(trx, { kind: 'channel', name: 'hook', body: hook, replaces: null }, author);
  });
  const notices = openNotices({
    ...{ catalog, secrets: { environment: { S: 'a secret of sixteen characters' }, folder } },
    ...{ outbound: { policy: outboundPolicy(['127.0.0.1']) }, publicUrl: null },
    onError: (error) => assert.fail(error as Error),
  });
  world.work();

  const good = await world.run('good');
  assert.deepEqual([good.status, good.error], ['succeeded', null]);
  const [backup] = (good.result as BackupResult).backups;
  assert.equal(await readFile(log, 'utf8'), `before good\nsucceeded ${backup!.backupId}\n`);

  const stuck = await world.run('stuck');
  assert.deepEqual([stuck.status, stuck.error?.code], ['failed', 'hook_failed']);
  assert.match(stuck.error!.message, /still read-only/);
  const kept = await catalog.db.selectFrom('backups').select('id').where('plan', '=', 'stuck').execute();
  assert.equal(kept.length, 1, 'the backup was made all the same');

  const stopped = await world.run('stopped');
  assert.deepEqual([stopped.status, stopped.error?.code], ['failed', 'hook_failed']);
  assert.match(await readFile(log, 'utf8'), /\nfailed hook_failed\n$/);
  assert.ok(existsSync(log));

  await notices.tick();
  await notices.stop();
  const paths = receiver.received.map(({ path }) => path);
  assert.deepEqual(
    paths.filter((path) => path.startsWith('/ping')),
    [
      `/ping/start?rid=${good.id}`,
      `/ping?rid=${good.id}`,
      `/ping/start?rid=${stopped.id}`,
      `/ping/fail?rid=${stopped.id}`,
    ],
  );
  const sent = receiver.received
    .filter(({ path }) => path === '/hook')
    .map(({ body }) => JSON.parse(body) as { backup_id: string });
  assert.deepEqual(
    sent.map(({ backup_id }) => backup_id),
    [backup!.backupId],
  );
});
