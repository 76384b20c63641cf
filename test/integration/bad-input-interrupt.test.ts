/** Ctrl-C and SIGTERM, once and twice, in the middle of a backup and of a restore. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { backupPayload, listPayload } from '../../src/contracts/cli-payloads.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { leftOver, processesWith } from '../support/leftover-processes.ts';
import type { CliRun } from '../support/run-cli.ts';
import { seededRandom } from '../support/seed.ts';

/** Runs a command, waits until `begun`, sends the signals, and waits for the end. */
async function interrupted(
  { holdfast }: Place,
  args: readonly string[],
  begun: () => boolean,
  signals: readonly NodeJS.Signals[],
): Promise<CliRun> {
  const started = Promise.withResolvers<ChildProcess>();
  let isOver = false;
  const running = holdfast([...args, '--json'], { onStart: started.resolve }).finally(() => {
    isOver = true;
  });
  const child = await started.promise;
  while (!begun() && !isOver) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const [i, signal] of signals.entries()) {
    // The same signal twice at once is one press that was delivered twice.
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, 250));
    child.kill(signal);
  }
  return running;
}

/** It begins once a pack of what was read before lies there, however slow the disk is. */
const CONFIG = `sources:
  app: { kind: sqlite, path: app.db }
  noise: { kind: files, path: noise.bin }
  slow: { kind: command, command: "until find home -size +8M | grep -q .; do sleep 0.02; done; touch begun; trap '' INT TERM; sleep 300 & wait; sleep 300", artifactName: slow.txt }
plans:
  slow: { sources: [app, noise, slow] }
  quick: { sources: [app, noise] }
`;

test('a backup that is interrupted keeps what it stored, and leaves nothing else behind', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  await writeFile(join(folder, 'noise.bin'), seededRandom(t.name).bytes(40_000_000));
  succeeded(await holdfast(['backup', './uploads']));
  const begun = () => readdirSync(folder).includes('begun');
  for (const signals of [['SIGINT'], ['SIGTERM'], ['SIGHUP'], ['SIGINT', 'SIGINT']] as const) {
    await rm(join(folder, 'begun'), { force: true });
    const run = await interrupted(here, ['backup', 'slow'], begun, signals);
    if (signals.length === 1) {
      const said = failed(run, 130, 'interrupted');
      assert.match(run.stderr, /^stopping in order; press Ctrl-C again to stop at once\nholdfast: /m);
      assert.match(said.next, /run again/);
    } else {
      assert.equal(run.status, 130, run.stderr);
    }
    assert.deepEqual(await leftOver(folder), [], signals.join());
    assert.deepEqual(readdirSync(join(home, 'state', 'scratch')), [], 'a scratch folder stayed');
  }
  assert.equal(listPayload.parse(JSON.parse((await holdfast(['list', '--json'])).stdout)).length, 1);
  const resumed = backupPayload.parse(
    JSON.parse(succeeded(await holdfast(['backup', 'quick', '--json'])).stdout),
  );
  assert.ok(resumed.bytesStored < 30_000_000, `stored ${resumed.bytesStored}: nothing was found again`);
  succeeded(await holdfast(['verify']));
  succeeded(await holdfast(['restore', 'latest', 'noise', '--to', 'back', '--confirm-restore']));
});

test('a restore that is interrupted leaves the target as it was', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const large = seededRandom(t.name).bytes(100_000_000);
  await writeFile(join(folder, 'uploads', 'large.bin'), large);
  succeeded(await holdfast(['backup', './uploads']));
  await rm(join(folder, 'uploads', 'large.bin'));
  const restoring = () => readdirSync(folder).some((name) => name.includes('restoring'));
  const before = readdirSync(folder).sort();
  for (const target of ['new', 'uploads']) {
    const line = ['restore', 'latest', 'uploads', '--to', target, '--confirm-restore'];
    failed(await interrupted(here, line, restoring, ['SIGINT']), 130, 'interrupted');
    assert.deepEqual(readdirSync(folder).sort(), before, target);
  }
  const line = ['restore', 'latest', 'uploads', '--to', 'new', '--confirm-restore'];
  const twice = await interrupted(here, line, restoring, ['SIGTERM', 'SIGTERM']);
  assert.equal(twice.status, 130, twice.stderr);
  assert.ok(!readdirSync(folder).includes('new'), 'half of a restore took the target’s name');
  assert.equal(await readFile(join(folder, 'uploads', '2026', 'Grüße.txt'), 'utf8'), 'hello');
  succeeded(await holdfast(line));
  assert.ok((await readFile(join(folder, 'new', 'large.bin'))).equals(large));
  assert.equal((await stat(join(folder, 'new', 'logo.png'))).size, 100_000);
  assert.deepEqual(await leftOver(folder), []);
});

test('negative control: a process that stays behind is seen', async (t) => {
  const { folder } = await place(t);
  const child = spawn('sleep', ['60'], { env: { PATH: process.env.PATH, MARK: folder } });
  t.after(() => child.kill('SIGKILL'));
  assert.deepEqual(processesWith(folder), ['sleep 60']);
});
