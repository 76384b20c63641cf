/** Backups without encryption: only where somebody asked for it in so many words, and said out loud wherever they show. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failed, place, succeeded } from '../support/cli-place.ts';
import { decoders } from '../support/decoders.ts';
import { httpWorld } from '../support/http-world.ts';

const configOf = (layout: string, encryption = 'none') => `destinations:
  open: { address: ./open, layout: ${layout}, encryption: ${encryption} }
sources: { uploads: { kind: files, path: ./uploads } }
plans: { files: { sources: [uploads], destination: open } }
`;

test('a destination with encryption: none warns at every command, and both decoders open what lies there', async (t) => {
  const { folder, home, holdfast } = await place(t);
  const config = join(folder, 'holdfast.yaml');
  fs.writeFileSync(config, configOf('repository'));
  const refused = failed(await holdfast(['backup', 'files', '--json']), 2, 'config_invalid');
  assert.match(
    refused.message,
    /line 2, column 48: destinations\.open\.encryption: none is only for layout: bundles/,
  );

  fs.writeFileSync(config, configOf('bundles'));
  const warning = /warning: (open: )?NOT ENCRYPTED: whoever can read .*\/open can read every backup/;
  assert.match(succeeded(await holdfast(['backup', 'files'])).stderr, warning);
  assert.equal(fs.existsSync(join(home, 'encryption.key')), false, 'no key is made for nothing');
  const list = succeeded(await holdfast(['list']));
  assert.match(list.stderr, warning);
  assert.match(list.stdout, /succeeded, NOT ENCRYPTED/);
  const [listed] = JSON.parse(succeeded(await holdfast(['list', '--json'])).stdout);
  assert.equal(listed.encryption, 'none');
  assert.match(succeeded(await holdfast(['show', 'latest'])).stdout, /status {4}succeeded, NOT ENCRYPTED/);
  assert.match((await holdfast(['doctor'])).stdout, /warning {2}encryption: NOT ENCRYPTED/);
  assert.match(succeeded(await holdfast(['runbook'])).stdout, /NOT ENCRYPTED: nothing is needed, by anybody/);

  const [bundle] = fs.globSync('open/backups/**/*.*', { cwd: folder });
  assert.match(bundle!, /\.tar\.gz$/);
  for (const decoder of decoders()) {
    const opened = join(folder, `opened by ${decoder.name}`);
    const run = decoder.run(['open', join(folder, 'open'), 'latest', opened]);
    assert.equal(run.status, 0, `${decoder.name}: ${run.stderr}`);
    assert.equal(fs.readFileSync(join(opened, 'uploads/2026/Grüße.txt'), 'utf8'), 'hello');
  }

  // With encryption switched on again, what anyone could have put there is not taken for a backup.
  fs.writeFileSync(config, configOf('bundles', 'aes-256-gcm'));
  const key = { environment: { BACKUP_ENCRYPTION_KEY: 'a passphrase that is long enough' } };
  const after = succeeded(await holdfast(['list'], key));
  assert.match(after.stderr, /is not a backup of yours: it is not encrypted, and this destination is/);
  assert.match(after.stdout, /no backups yet/);
});

test('a bundle is exported without encryption when asked for, and never under a name that says otherwise', async (t) => {
  const { folder, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './uploads']));
  const exported = (file: string, ...more: string[]) =>
    holdfast(['bundle', 'export', 'latest', file, '--encryption', 'none', ...more]);
  failed(await exported('out.tar.zst.enc', '--json'), 2, 'usage');
  assert.equal(fs.existsSync(join(folder, 'out.tar.zst.enc')), false);
  const done = succeeded(await exported('out.tar.zst'));
  assert.match(
    done.stderr,
    /warning: NOT ENCRYPTED: whoever can read .*out\.tar\.zst can read the whole backup/,
  );
  failed(await holdfast(['bundle', 'open', 'out.tar.zst', 'to', '--json']), 4, 'bundle_not_encrypted');
  failed(await holdfast(['bundle', 'import', 'out.tar.zst', '--json']), 4, 'bundle_not_encrypted');
  const opened = succeeded(await holdfast(['bundle', 'open', 'out.tar.zst', 'to', '--encryption', 'none']));
  assert.match(opened.stdout, /NOT ENCRYPTED, so anyone may have made it/);
  assert.equal(fs.readFileSync(join(folder, 'to/uploads/2026/Grüße.txt'), 'utf8'), 'hello');
  const again = await holdfast(['bundle', 'import', 'out.tar.zst', '--encryption', 'none', '--json']);
  failed(again, 1, 'object_exists');
});

test('the server refuses it for a repository, and tells of it in backups, destinations and runs', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: stored } = await owner.get('/api/v1/destinations/main');
  const put = (body: object) =>
    owner.send('PUT', '/api/v1/destinations/main', { body: { version: stored.version, body } });
  const refused = await put({ ...stored.body, encryption: 'none' });
  assert.equal(refused.status, 400, refused.text);
  assert.match(refused.text, /none is only for layout: bundles/);
  const address = join(world.folder, 'open');
  const changed = await put({ address, layout: 'bundles', encryption: 'none', minimumFreeBytes: 0 });
  assert.equal(changed.status, 200, changed.text);
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  const job = await world.ended(owner, ran.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job));
  const events = await world.catalog.db
    .selectFrom('job_events')
    .selectAll()
    .where('job_id', '=', ran.job_id)
    .execute();
  assert.match(JSON.stringify(events), /main: NOT ENCRYPTED: whoever can read/, 'the run shows it');
  const { json: list } = await owner.get('/api/admin/backups');
  assert.deepEqual([list.items[0].encryption, list.items[0].key_id], ['none', null]);
  const { json: config } = await owner.get('/api/admin/backups/config');
  assert.equal(config.destinations[0].encryption.algorithm, 'none');
});
