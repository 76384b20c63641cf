/** The server against S3: its settings page, its test, and the day-0 restore from there. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKeyText } from '../../../src/engine/index.ts';
import type { Ceph } from '../../support/ceph.ts';
import { dayZero } from '../../support/day-zero.ts';
import { httpWorld } from '../../support/http-world.ts';
import { newBucket } from './world.ts';

export function serviceTests(ceph: () => Ceph): void {
  test('the server: S3 by the settings page, tested, backed up to, and restored from on day 0', async (t) => {
    const environment = { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' };
    const { owner: keys } = ceph();
    const bucket = await newBucket(ceph());
    const place = { bucket, prefix: 'holdfast', endpoint: ceph().endpoint, path_style: true };
    const s3 = { ...place, access_key_id: keys.accessKeyId, secret_access_key: keys.secretAccessKey };
    const encryption_key = generateKeyText();
    const world = await httpWorld(t, { environment });
    const owner = await world.owner();
    await owner.post('/api/v1/sources', {
      name: 'uploads',
      body: { kind: 'files', path: join(world.folder, 'home', 'access.key') },
    });

    const url = '/api/admin/backups';
    const good = await owner.post(`${url}/test-s3`, s3);
    assert.deepEqual([good.status, good.json.ok], [200, true], good.text);
    const wrong = await owner.post(`${url}/test-s3`, { ...s3, secret_access_key: 'not-the-secret-canary' });
    assert.deepEqual([wrong.json.ok, wrong.json.checks[0].status], [false, 'problem'], wrong.text);
    assert.doesNotMatch(wrong.text, /canary/);

    const write = { sources: ['uploads'], s3, encryption_key, schedule: '0 4 * * *' };
    const stored = await owner.send('PUT', `${url}/config`, { body: write });
    assert.equal(stored.status, 200, stored.text);
    const [destination] = stored.json.destinations;
    assert.deepEqual([destination.secret_access_key_set, destination.encryption.key_set], [true, true]);
    for (const secret of [keys.secretAccessKey, encryption_key]) assert.ok(!stored.text.includes(secret));
    const again = await owner.send('PUT', `${url}/config`, { body: { version: 1, s3, encryption_key } });
    assert.equal(again.json.code, 'in_use', 'the key of a repository is not changed by a form');

    const { json: run } = await owner.post(`${url}/trigger`);
    const job = await world.ended(owner, run.job_id);
    assert.equal(job.status, 'succeeded', JSON.stringify(job.error));

    const fresh = await httpWorld(t, { environment });
    const { post, settled } = dayZero(fresh);
    const { json: found } = await post('s3/list', { ...s3, encryption_key });
    assert.equal(found.items.length, 1, JSON.stringify(found));
    const { json: begun } = await post('s3', { ...s3, encryption_key });
    assert.equal((await settled(begun.restore_id)).state, 'opened');
    const to = join(fresh.folder, 'placed');
    await post('apply', { restore_id: begun.restore_id, targets: [{ to }], confirm_restore: true });
    const done = await settled(begun.restore_id);
    assert.equal(done.state, 'restored', JSON.stringify(done.error));
    const [restored] = done.restored;
    const original = await readFile(join(world.folder, 'home', 'access.key'));
    assert.deepEqual(
      await readFile(restored.target).catch(() => readFile(join(restored.target, 'access.key'))),
      original,
    );
  });
}
