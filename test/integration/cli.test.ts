/** The command line for real: backup, list, show, restore, verify, and what it answers to bad input. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import {
  backupPayload,
  listPayload,
  rotatePayload,
  showPayload,
  treePayload,
  verifyPayload,
} from '../../src/contracts/cli-payloads.ts';
import { failed, place, succeeded } from '../support/cli-place.ts';

test('one line backs up a database and files; they are listed, shown, verified and restored', async (t) => {
  const { folder, home, holdfast } = await place(t);
  const first = succeeded(await holdfast(['backup', './app.db', './uploads', '--json']));
  const backup = backupPayload.parse(JSON.parse(first.stdout));
  assert.equal(backup.status, 'succeeded');
  assert.equal(backup.type, 'full');
  assert.equal((await stat(home)).mode & 0o777, 0o700);
  assert.equal((await stat(join(home, 'encryption.key'))).mode & 0o777, 0o600);
  assert.match(first.stderr, /copy it to a safe place away from this machine/);

  const again = backupPayload.parse(
    JSON.parse(succeeded(await holdfast(['backup', './app.db', './uploads', '--json'])).stdout),
  );
  assert.ok(again.bytesStored < backup.bytesStored / 5, `second run stored ${again.bytesStored}`);
  assert.equal(again.plan, backup.plan);

  const listed = listPayload.parse(JSON.parse(succeeded(await holdfast(['list', '--json'])).stdout));
  assert.deepEqual(
    listed.map(({ id }) => id),
    [again.backupId, backup.backupId],
  );
  const shown = showPayload.parse(JSON.parse(succeeded(await holdfast(['show', 'latest', '--json'])).stdout));
  assert.equal(shown.artifacts.length, 2);
  assert.match(succeeded(await holdfast(['show', 'latest'])).stdout, /users +100\n/);
  const tree = treePayload.parse(
    JSON.parse(succeeded(await holdfast(['show', 'latest', 'uploads/2026', '--json'])).stdout),
  );
  assert.deepEqual(
    tree.entries.map(({ name }) => name),
    ['Grüße.txt', 'empty'],
  );
  assert.equal(
    verifyPayload.parse(JSON.parse(succeeded(await holdfast(['verify', '--json'])).stdout)).ok,
    true,
  );
  assert.match(
    succeeded(await holdfast(['verify', '--share', '50%'])).stdout,
    /^good: every byte of the share looked at, /,
  );

  succeeded(await holdfast(['restore', backup.backupId.slice(0, 13), '--to', 'out', '--confirm-restore']));
  assert.deepEqual(
    (await readdir(join(folder, 'out'))).sort(),
    shown.artifacts.map(({ name }) => name).sort(),
  );
  const copy = new DatabaseSync(
    join(folder, 'out', shown.artifacts.find(({ kind }) => kind === 'sqlite')!.name),
    { readOnly: true },
  );
  assert.equal(copy.prepare('select count(*) n from users').get()!.n, 100);
  copy.close();
  assert.equal(await readFile(join(folder, 'out', 'uploads', '2026', 'Grüße.txt'), 'utf8'), 'hello');
});

test('restore does nothing without confirmation, and more is needed in production', async (t) => {
  const { folder, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './uploads']));
  const line = ['restore', 'latest', '--to', 'out'];
  const refused = failed(await holdfast([...line, '--json']), 7, 'not_confirmed');
  assert.match(refused.next, /holdfast restore latest --to out --confirm-restore$/);
  const environment = { HOLDFAST_ENVIRONMENT: 'production', CONFIRM: 'yes' };
  failed(await holdfast([...line, '--json'], { environment }), 7, 'not_confirmed');
  await assert.rejects(stat(join(folder, 'out')), { code: 'ENOENT' });
  succeeded(await holdfast(line, { environment: { ...environment, CONFIRM_RESTORE_IN_PROD: 'true' } }));
  assert.equal(await readFile(join(folder, 'out', 'uploads', '2026', 'Grüße.txt'), 'utf8'), 'hello');
});

test('retention: a dry run says why, rotate archives, undelete brings back, a hold holds', async (t) => {
  const { holdfast } = await place(t);
  for (let i = 0; i < 3; i += 1) succeeded(await holdfast(['backup', './uploads']));
  const ids = listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).map(({ id }) => id);
  succeeded(await holdfast(['hold', ids[1]!, '--reason', 'keep']));
  const plan = rotatePayload.parse(
    JSON.parse(succeeded(await holdfast(['rotate', '--keep-last', '1', '--dry-run', '--json'])).stdout),
  );
  assert.deepEqual(
    plan.backups.map(({ id, action, reasons }) => [id, action, reasons[0]!.code]),
    [
      [ids[0], 'keep', 'last_good'],
      [ids[1], 'keep', 'held'],
      [ids[2], 'remove', 'not_selected'],
    ],
  );
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 3);
  succeeded(await holdfast(['rotate', '--keep-last', '1']));
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 2);
  assert.match(succeeded(await holdfast(['list', '--archived'])).stdout, new RegExp(ids[2]!));
  succeeded(await holdfast(['undelete', ids[2]!]));
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 3);
  succeeded(await holdfast(['prune']));
  succeeded(await holdfast(['verify']));
});

test('a bundle stands alone', async (t) => {
  const { folder, home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './app.db', './uploads']));
  succeeded(await holdfast(['bundle', 'export', 'latest', 'app.tar.zst.enc']));
  await rm(join(home, 'repository'), { recursive: true });
  succeeded(await holdfast(['bundle', 'open', 'app.tar.zst.enc', 'opened']));
  assert.equal(await readFile(join(folder, 'opened', 'uploads', '2026', 'Grüße.txt'), 'utf8'), 'hello');
  failed(
    await holdfast(['bundle', 'open', 'app.tar.zst.enc', 'opened2', '--json'], {
      environment: { BACKUP_ENCRYPTION_KEY: 'not the right passphrase' },
    }),
    5,
    'key_wrong',
  );
});

test('a source that is missing is named, and nothing is made', async (t) => {
  const { home, holdfast } = await place(t);
  const error = failed(await holdfast(['backup', './ap.db', '--json']), 1, 'source_missing');
  assert.deepEqual(error, {
    code: 'source_missing',
    message: './ap.db does not exist',
    next: 'check the path; did you mean app.db?',
  });
  await assert.rejects(stat(home), { code: 'ENOENT' });
});

test('a source that may not be read is named', async (t) => {
  const { folder, holdfast } = await place(t);
  await chmod(join(folder, 'app.db'), 0o000);
  const isRoot = process.getuid!() === 0;
  if (isRoot) await chown(folder, 65534, 65534);
  const run = await holdfast(['backup', './app.db', '--json'], isRoot ? { uid: 65534 } : {});
  assert.match(failed(run, 1, 'source_denied').message, /app\.db/);
});

test('the wrong key and no key open nothing, and no second key is made', async (t) => {
  const { home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './uploads']));
  const environment = { BACKUP_ENCRYPTION_KEY: 'some other passphrase, long enough' };
  failed(await holdfast(['list', '--json'], { environment }), 5, 'key_wrong');
  failed(await holdfast(['backup', './uploads', '--json'], { environment }), 5, 'key_wrong');
  await rm(join(home, 'encryption.key'));
  failed(await holdfast(['backup', './uploads', '--json']), 5, 'key_missing');
  await assert.rejects(stat(join(home, 'encryption.key')), { code: 'ENOENT' });
});

test('an empty database and an empty folder are backups like any other', async (t) => {
  const { folder, holdfast } = await place(t);
  await writeFile(join(folder, 'new.sqlite'), '');
  await mkdir(join(folder, 'nothing'));
  succeeded(await holdfast(['backup', './new.sqlite', './nothing']));
  succeeded(await holdfast(['restore', 'latest', '--to', 'out', '--confirm-restore']));
  assert.deepEqual(await readdir(join(folder, 'out', 'nothing')), []);
});

test('a repository of a newer version is left alone', async (t) => {
  const { home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './uploads']));
  const file = join(home, 'repository', 'config');
  const config = JSON.parse(await readFile(file, 'utf8'));
  await chmod(file, 0o600);
  await writeFile(file, JSON.stringify({ ...config, format: 2 }));
  const error = failed(await holdfast(['backup', './uploads', '--json']), 1, 'repository_newer');
  assert.equal(error.next, 'update Holdfast on this machine');
});

test('a corrupt pack is found, named, and never restored from', async (t) => {
  const { folder, home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './app.db', './uploads']));
  const packs = (await readdir(join(home, 'repository', 'packs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const pack of packs) {
    await chmod(pack, 0o600);
    const file = await open(pack, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 200);
    await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, 200);
    await file.close();
  }
  const run = await holdfast(['verify', '--json']);
  assert.equal(run.status, 4);
  const report = verifyPayload.parse(JSON.parse(run.stdout));
  assert.equal(report.ok, false);
  assert.ok(packs.every((pack) => report.damaged.some(({ name }) => pack.endsWith(name))));
  assert.equal(report.affected.length, 1);
  const restore = await holdfast(['restore', 'latest', '--to', 'out', '--confirm-restore', '--json']);
  assert.equal(restore.status, 4, restore.stderr);
  await assert.rejects(stat(join(folder, 'out', 'app.db')), { code: 'ENOENT' });
});

test('an interrupted run says so, and the next one completes', async (t) => {
  const { folder, holdfast } = await place(t);
  const config =
    'sources: { slow: { kind: command, command: "echo begun; echo begun >&2; touch begun; sleep 60", artifactName: a.txt } }\nplans: { p: { sources: [slow] } }\n';
  await writeFile(join(folder, 'holdfast.yaml'), config);
  const started = Promise.withResolvers<ChildProcess>();
  const running = holdfast(['backup', 'p', '--json'], { onStart: started.resolve });
  while (!(await stat(join(folder, 'begun')).catch(() => null)))
    await new Promise((resolve) => setTimeout(resolve, 50));
  (await started.promise).kill('SIGINT');
  const error = failed(await running, 130, 'interrupted');
  assert.equal(error.next, 'run again: what is stored is kept');
  await writeFile(join(folder, 'holdfast.yaml'), config.replace('sleep 60', 'true'));
  succeeded(await holdfast(['backup', 'p']));
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 1);
});
