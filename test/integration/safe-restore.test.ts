/** Restores over what is there, by the real program: a safety backup first, an exchange, and the way back. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import {
  backupPayload,
  listPayload,
  restorePayload,
  switchesPayload,
  switchPayload,
} from '../../src/contracts/cli-payloads.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';

const CONFIRMED = ['--confirm-restore', '--json'];
const said = async (at: Place, args: readonly string[]): Promise<unknown> =>
  JSON.parse(succeeded(await at.holdfast(args)).stdout);
const restored = async (at: Place, args: readonly string[]) =>
  restorePayload.parse(await said(at, ['restore', ...args, ...CONFIRMED]));

const rows = (at: Place) => {
  const database = new DatabaseSync(join(at.folder, 'app.db'), { readOnly: true });
  const { n } = database.prepare('select count(*) as n from users').get() as { n: number };
  database.close();
  return n;
};
const change = (at: Place) => {
  const database = new DatabaseSync(join(at.folder, 'app.db'));
  database.exec('delete from users where id > 10');
  database.close();
  writeFileSync(join(at.folder, 'uploads', 'logo.png'), 'changed');
};

test('a database file and a folder are backed up, exchanged, and come back', async (t) => {
  const at = await place(t);
  const { backupId } = backupPayload.parse(await said(at, ['backup', 'app.db', 'uploads', '--json']));
  change(at);
  const first = await restored(at, ['latest', 'app.db', '--to', 'app.db']);
  assert.equal(rows(at), 100);
  const database = new DatabaseSync(first.kept[0]!.keptAt, { readOnly: true });
  assert.equal((database.prepare('select count(*) as n from users').get() as { n: number }).n, 10);
  database.close();
  // What was just saved from the target is not what `latest` means.
  const second = await restored(at, ['latest', 'uploads', '--to', 'uploads']);
  assert.equal(second.backupId, backupId);
  assert.equal(readFileSync(join(second.kept[0]!.keptAt, 'logo.png'), 'utf8'), 'changed');
  const saved = listPayload
    .parse(await said(at, ['list', '--json']))
    .filter(({ plan }) => plan === 'before-restore');
  assert.deepEqual(
    new Set(saved.map(({ id }) => id)),
    new Set([first.safetyBackupId, second.safetyBackupId]),
  );
  const out = await restored(at, [second.safetyBackupId!, 'uploads', '--to', 'out']);
  assert.deepEqual([out.safetyBackupId, out.kept], [null, []]);
  assert.equal(readFileSync(join(at.folder, 'out', 'logo.png'), 'utf8'), 'changed');

  failed(await at.holdfast(['restore', 'switch-back', 'app.db', '--json']), 7, 'not_confirmed');
  assert.equal(rows(at), 100);
  const back = switchPayload.parse(await said(at, ['restore', 'switch-back', 'app.db', ...CONFIRMED]));
  assert.equal(rows(at), 10);
  assert.ok(existsSync(back.keptAt));
  await said(at, ['restore', 'drop-old', 'app.db', ...CONFIRMED]);
  assert.ok(!existsSync(back.keptAt));
  const told = JSON.stringify(await said(at, ['ledger', 'list', '--json']));
  for (const action of ['restore.switch-back', 'restore.drop-old']) assert.ok(told.includes(action), action);
  // The newest of what is left.
  await said(at, ['restore', 'switch-back', ...CONFIRMED]);
  assert.equal(readFileSync(join(at.folder, 'uploads', 'logo.png'), 'utf8'), 'changed');
  const left = switchesPayload.parse(await said(at, ['restore', 'status', '--json']));
  assert.deepEqual(
    left.map(({ state, kind }) => [state, kind]),
    [['switched-back', 'folder']],
  );
});

test('without a safety backup nothing is replaced, unless it is not wanted', async (t) => {
  const at = await place(t);
  await said(at, ['backup', 'app.db', '--json']);
  change(at);
  writeFileSync(join(at.folder, 'holdfast.yaml'), config(at, '900000000000000'));
  const line = ['restore', 'latest', 'app.db', '--to', 'app.db', '--config', 'holdfast.yaml', ...CONFIRMED];
  const refused = failed(await at.holdfast(line), 8, 'space_low');
  assert.match(refused.message, /nothing was restored: no safety backup/);
  assert.match(refused.next, /--no-safety-backup/);
  assert.equal(rows(at), 10);
  const outcome = restorePayload.parse(await said(at, [...line, '--no-safety-backup']));
  assert.equal(outcome.safetyBackupId, null);
  assert.equal(rows(at), 100);
  assert.ok(existsSync(outcome.kept[0]!.keptAt));
});

test('a database at work, and a data folder that cannot be written, stop it with everything in place', async (t) => {
  const at = await place(t);
  await said(at, ['backup', 'app.db', '--json']);
  change(at);
  const writer = new DatabaseSync(join(at.folder, 'app.db'));
  writer.exec('begin immediate; insert into users (name) values (1)');
  const line = ['restore', 'latest', 'app.db', '--to', 'app.db', '--no-safety-backup', ...CONFIRMED];
  const names = async () => (await readdir(at.folder)).filter((name) => !name.endsWith('-journal'));
  const before = await names();
  failed(await at.holdfast(line), 1, 'target_busy');
  writer.exec('rollback');
  writer.close();
  assert.deepEqual(await names(), before);
  mkdirSync(join(at.home, 'state'), { recursive: true });
  const switches = join(at.home, 'state', 'switches');
  rmSync(switches, { recursive: true, force: true });
  writeFileSync(switches, '');
  const disk = await at.holdfast(line);
  assert.notEqual(disk.status, 0);
  assert.deepEqual([rows(at), await names()], [10, before]);
});

const config = (at: Place, free: string) => `version: 1
destinations:
  here: { address: ${join(at.home, 'repository')}, minimumFreeBytes: ${free} }
sources: {}
plans: {}
`;
