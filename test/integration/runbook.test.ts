/** The runbook and the erasure report, by the real program: what they say to type works, and no secret is in them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { failed, fingerprint, place, succeeded } from '../support/cli-place.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const KEY = generateKeyText();

const CONFIG = `
destinations:
  vault: { address: ./vault, region: eu, keys: { current: { env: VAULT_KEY } } }
  away: { address: ./away, keys: { current: { env: VAULT_KEY } } }
sources:
  app: { kind: sqlite, path: app.db }
  uploads: { kind: files, path: uploads }
  orders: { kind: postgres, urlEnv: ORDERS_URL }
plans:
  nightly:
    sources: [uploads, app]
    destinations: [vault, { name: away, retention: { daily: 14 } }]
    retention: { days: 30 }
    drill: { checks: [{ kind: application, command: node server.js, folder: /srv/app }] }
  never: { sources: [orders], destination: vault }
`;

const environment = { VAULT_KEY: KEY, ORDERS_URL: 'postgres://shop:canary-password@db.internal/orders' };

test('commands of the runbook bring back everything, in its order, and it holds no secret', async (t) => {
  const { folder, home, holdfast } = await place(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  for (const name of ['vault', 'away'])
    succeeded(await holdfast(['init', '--destination', name], { environment }));
  const made = JSON.parse(succeeded(await holdfast(['backup', 'nightly', '--json'], { environment })).stdout);
  const files = await fingerprint(join(folder, 'uploads'));
  const run = succeeded(await holdfast(['runbook'], { environment }));
  const book = run.stdout;
  assert.ok(!`${run.stdout}${run.stderr}`.includes(KEY.slice(5)));
  assert.doesNotMatch(run.stdout + run.stderr, /canary/);
  for (const part of [
    made.backupId,
    'variable VAULT_KEY',
    'variable ORDERS_URL',
    'cd /srv/app && node server.js',
    join(folder, 'vault'),
    'No restore of it was ever proven',
    'Plan never',
  ]) {
    assert.ok(book.includes(part), `${part} is missing in:\n${book}`);
  }
  const commands = [...book.matchAll(/^holdfast restore .*$/gm)].map(([line]) => line);
  assert.ok(commands[0]!.includes('uploads'), 'files that may be keys come first');
  assert.equal(commands.length, 2);
  await rm(join(folder, 'uploads'), { recursive: true });
  await mkdir(join(folder, 'uploads'));
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('delete from users');
  database.close();
  for (const command of commands) {
    const shell = spawn(
      '/bin/sh',
      ['-c', `holdfast() { "${process.execPath}" "${BIN}" "$@"; }\n${command}`],
      {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: home, ...environment },
        stdio: 'ignore',
      },
    );
    const [status] = await new Promise<[number | null]>((resolve) =>
      shell.once('exit', (code) => resolve([code])),
    );
    assert.equal(status, 0, command);
  }
  assert.deepEqual(await fingerprint(join(folder, 'uploads')), files);
  const back = new DatabaseSync(join(folder, 'app.db'), { readOnly: true });
  assert.equal(back.prepare('select count(*) as n from users').get()!.n, 100);
  back.close();
  await rm(join(folder, 'away'), { recursive: true });
  succeeded(
    await holdfast(
      ['hold', made.backupId.slice(0, 13), '--reason', 'a court asked for it', '--destination', 'vault'],
      { environment },
    ),
  );
  const erasure = JSON.parse(succeeded(await holdfast(['erasure-report', '--json'], { environment })).stdout);
  const days = erasure.rows.map((row: { plan: string; destination: string; totalDays: number | null }) => [
    row.plan,
    row.destination,
    row.totalDays,
  ]);
  assert.deepEqual(
    days,
    [
      ['nightly', 'vault', 63],
      ['never', 'vault', 398],
      ['before-restore', 'vault', 398],
      ['nightly', 'away', 48],
    ].filter(([plan]) => days.some(([one]: [string]) => one === plan)),
  );
  assert.deepEqual(erasure.unknown, ['away']);
  assert.deepEqual(
    erasure.rows[0].held.map(({ reason }: { reason: string }) => reason),
    ['a court asked for it'],
  );
  const page = join(folder, 'runbook.html');
  succeeded(await holdfast(['runbook', '--output', page], { environment }));
  assert.match(await readFile(page, 'utf8'), /^<!doctype html>[\s\S]*DOES NOT ANSWER[\s\S]*<\/html>\n$/);
  failed(await holdfast(['runbook', '--output', page, '--json'], { environment }), 7, 'target_not_empty');
});
