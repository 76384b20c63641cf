/** A plan with several destinations, through bin/holdfast.js: one of them down, damaged, in the wrong place. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  backupPayload,
  replicatePayload,
  restorePayload,
  verifyPayload,
} from '../../src/contracts/cli-payloads.ts';
import { fingerprint } from '../support/cli-place.ts';
import { type CopiesPlace, copiesPlace, THREE } from '../support/copies-place.ts';
import { count } from '../support/counts.ts';
import { runCli } from '../support/run-cli.ts';
import { randomFrom, seededRandom } from '../support/seed.ts';
import { startSshd } from '../support/sshd.ts';

const statesOf = (payload: Record<string, unknown>) =>
  Object.fromEntries(
    backupPayload
      .parse(payload)
      .copies!.map(({ destination, status, missing }) => [
        destination,
        missing > 0 ? `${status} ${missing}` : status,
      ]),
  );

/** The largest pack of a destination, with one byte changed. */
function damage({ folder }: CopiesPlace, destination: string): void {
  const packs = join(folder, destination, 'packs');
  const files = readdirSync(packs).flatMap((shard) =>
    readdirSync(join(packs, shard)).map((name) => join(packs, shard, name)),
  );
  const [largest] = files.sort((a, b) => readFileSync(b).length - readFileSync(a).length);
  const bytes = readFileSync(largest!);
  bytes[5000]! ^= 1;
  writeFileSync(largest!, bytes);
}

test('a folder, an SFTP server and a folder; the server is down: the run says so, and the next makes it good', async (t) => {
  const server = await startSshd(t);
  const place = await copiesPlace(
    t,
    THREE.replace(
      'offsite: { address: ./offsite,',
      `offsite: { address: "${server.addressOf('copies')}", region: eu, sftp: { privateKey: { file: login-key }, hostKeys: ["${server.fingerprint}"] },`,
    ),
  );
  await writeFile(join(place.folder, 'login-key'), readFileSync(join(server.base, 'login-key')), {
    mode: 0o600,
  });
  const random = randomFrom(41);
  await place.write('large', random.bytes(2_000_000));
  await place.json(['init']);
  assert.deepEqual(statesOf(await place.json(['backup'])), {
    main: 'stored',
    offsite: 'copied',
    third: 'copied',
  });

  await server.kill();
  await place.write('small', 'while the server was away');
  const run = await place.run(['backup', 'nightly']);
  assert.equal(run.status, 9, run.stderr);
  assert.match(run.stdout, /is stored, but a copy is missing\n/);
  assert.match(
    run.stdout,
    /\n {2}main: stored\n {2}offsite: COPY MISSING, 1 backup\n {4}sftp:\/\/.*\n {6}next: .*\n {2}third: complete, 1 backup copied/,
  );
  const still = await place.json(['replicate'], 9);
  assert.deepEqual(
    replicatePayload.parse(still).destinations.map(({ destination, status }) => [destination, status]),
    [
      ['main', 'complete'],
      ['offsite', 'unknown'],
      ['third', 'complete'],
    ],
  );

  await server.start();
  await place.write('small', 'and when it came back');
  const healed = backupPayload.parse(await place.json(['backup']));
  assert.deepEqual(
    healed.copies!.map(({ status, copied }) => [status, copied]),
    [
      ['stored', 0],
      ['copied', 2],
      ['copied', 1],
    ],
  );
  assert.equal((await place.run(['verify'])).status, 0);

  // From the second copy alone: another machine, with nothing but its address and key.
  await Promise.all(
    ['main', 'third', 'home', 'holdfast.yaml'].map((name) =>
      rm(join(place.folder, name), { recursive: true }),
    ),
  );
  const environment = {
    HOLDFAST_HOME: join(place.folder, 'elsewhere'),
    HOLDFAST_REPOSITORY: server.addressOf('copies'),
    BACKUP_ENCRYPTION_KEY: place.environment.KEY_B!,
    SFTP_PRIVATE_KEY_FILE: 'login-key',
    SFTP_HOST_KEY: server.fingerprint,
  };
  const alone = (args: string[]) => runCli(args, { folder: place.folder, environment });
  const ids = (JSON.parse((await alone(['list', '--json'])).stdout) as { id: string }[]).map(({ id }) => id);
  assert.equal(ids.length, 3);
  for (const id of ids)
    assert.equal((await alone(['restore', id, '--to', `r-${id}`, '--confirm-restore'])).status, 0);
  assert.deepEqual(
    await fingerprint(join(place.folder, `r-${ids[0]}`, 'app')),
    await fingerprint(join(place.folder, 'app')),
  );
});

test('the first destination is down: the next takes its place, and the first is healed later', async (t) => {
  const place = await copiesPlace(t, THREE);
  await place.write('a', 'one');
  await place.json(['init']);
  await place.json(['backup']);
  await place.hide('main');
  await place.write('a', 'two');
  const second = await place.json(['backup'], 9);
  assert.equal(second.destination, 'offsite');
  assert.deepEqual(statesOf(second), { main: 'missing 1', offsite: 'stored', third: 'copied' });
  await place.show('main');
  const restored = restorePayload.parse(
    await place.json(['restore', 'latest', '--to', 'r', '--confirm-restore']),
  );
  assert.deepEqual(
    [restored.backupId, restored.destination],
    [second.backupId, 'offsite'],
    'the newest of all copies',
  );
  const looked = verifyPayload.parse(await place.json(['verify', 'latest'], 9));
  assert.deepEqual(
    looked.copies!.map(({ status }) => status),
    ['missing', 'good', 'good'],
  );
  const planned = replicatePayload.parse(await place.json(['replicate', 'nightly', '--dry-run']));
  assert.deepEqual(
    planned.destinations.map(({ status, copied }) => [status, copied.map(({ id }) => id)]),
    [
      ['missing', [second.backupId]],
      ['complete', []],
      ['complete', []],
    ],
  );
  const done = replicatePayload.parse(await place.json(['replicate']));
  assert.deepEqual([done.ok, done.destinations[0]!.copied.length], [true, 1]);
  const listed = await place.run(['list', '--destination', 'main', '--json']);
  assert.equal((JSON.parse(listed.stdout) as unknown[]).length, 2);

  // It opens, and fails while the backup is made.
  await rename(join(place.folder, 'main/packs'), join(place.folder, 'main/away'));
  await writeFile(join(place.folder, 'main/packs'), 'not a folder');
  await place.write('a', 'three');
  const third = await place.json(['backup'], 9);
  assert.deepEqual(statesOf(third), { main: 'missing 1', offsite: 'stored', third: 'copied' });
  await rm(join(place.folder, 'main/packs'));
  await rename(join(place.folder, 'main/away'), join(place.folder, 'main/packs'));
  await place.json(['replicate']);

  await Promise.all(['main', 'offsite', 'third'].map(place.hide));
  const none = await place.run(['backup', '--json']);
  assert.equal(none.status, 2, none.stdout);
  assert.match(none.stdout, /there is no repository at .*main/);
});

test('damage in one copy is healed from another; in all of them, it is said and nothing is called whole', async (t) => {
  const place = await copiesPlace(t, THREE);
  await place.write('large', randomFrom(42).bytes(1_500_000));
  await place.json(['init']);
  await place.json(['backup']);
  await place.write('small', 'second');
  const { backupId } = await place.json(['backup']);
  damage(place, 'offsite');
  const before = verifyPayload.parse(await place.json(['verify'], 4));
  assert.deepEqual(
    before.copies!.map(({ status }) => status),
    ['good', 'damaged', 'good'],
  );
  assert.deepEqual([before.damaged.length, before.damaged[0]!.destination], [1, 'offsite']);
  assert.equal(before.affected.length, 2);

  const listed = readdirSync(join(place.folder, 'third/backups/global'), {
    recursive: true,
    withFileTypes: true,
  });
  const newest = listed.filter((entry) => entry.name.endsWith(String(backupId)))[0]!;
  await rm(join(newest.parentPath, newest.name));

  const healed = verifyPayload.parse(await place.json(['verify', '--heal']));
  assert.deepEqual(
    healed.copies!.map(({ status, healed: what }) => [status, what?.backups.length ?? 0, what?.copied ?? 0]),
    [
      ['good', 0, 0],
      ['good', 2, 0],
      ['good', 0, 1],
    ],
  );
  assert.deepEqual(
    healed.replaced.map(({ destination }) => destination),
    ['offsite'],
  );
  assert.equal((await place.run(['verify'])).status, 0);
  const from = ['restore', 'latest', '--destination', 'offsite', '--to', 'restored', '--confirm-restore'];
  assert.equal((await place.run(from)).status, 0);
  assert.deepEqual(
    await fingerprint(join(place.folder, 'restored/app')),
    await fingerprint(join(place.folder, 'app')),
  );

  for (const name of ['main', 'offsite', 'third'])
    await rm(join(place.folder, name, 'packs'), { recursive: true });
  const hopeless = verifyPayload.parse(await place.json(['verify', '--heal'], 4));
  assert.equal(hopeless.ok, false);
  assert.ok(hopeless.affected.length >= 2);
  assert.ok(hopeless.copies!.every(({ failures }) => failures.length > 0));
});

test('restore takes the nearest copy that is whole, and says which it passed over', async (t) => {
  const place = await copiesPlace(t, THREE);
  await place.write('large', randomFrom(43).bytes(800_000));
  await place.json(['init']);
  await place.json(['backup']);
  const args = (to: string) => ['restore', 'latest', '--to', to, '--confirm-restore'];
  assert.equal((await place.json(args('r1'))).destination, 'main');
  damage(place, 'main');
  await place.hide('offsite');
  const passed = restorePayload.parse(await place.json(args('r2')));
  assert.equal(passed.destination, 'third');
  assert.match(
    passed.warnings.join('\n'),
    /^main is passed over: packs\/.*\noffsite is passed over: there is no repository/,
  );
  assert.deepEqual(
    await fingerprint(join(place.folder, 'r2/app')),
    await fingerprint(join(place.folder, 'app')),
  );
  // The one that was not asked is told, also where a nearer copy does.
  await place.json(['verify', '--destination', 'third']);
  const newer = await place.run(['show', 'latest']);
  assert.match(
    newer.stderr,
    /warning: offsite may hold a newer backup and is not asked: there is no repository/,
  );
  damage(place, 'third');
  const run = await place.run(args('r3'));
  assert.equal(run.status, 4, run.stderr);
  assert.match(run.stderr, /holdfast: packs\/.*is not authentic/);
});

test('copies in both layouts: a repository, bundles of another key, and back', async (t) => {
  const place = await copiesPlace(
    t,
    THREE.replace('{ address: ./offsite,', '{ address: ./offsite, layout: bundles,'),
  );
  await place.write('large', randomFrom(44).bytes(300_000));
  await place.json(['init']);
  const { backupId } = await place.json(['backup']);
  const files = readdirSync(join(place.folder, 'offsite/backups'), { recursive: true }).map(String);
  assert.equal(files.filter((name) => name.endsWith('.tar.gz.enc')).length, 1);
  await rm(join(place.folder, 'main'), { recursive: true });
  await rm(join(place.folder, 'third'), { recursive: true });
  await place.json(['init']);
  const brought = replicatePayload.parse(await place.json(['replicate']));
  assert.deepEqual(
    brought.destinations.map(({ destination, copied }) => [destination, copied.map(({ id }) => id)]),
    [
      ['main', [backupId]],
      ['offsite', []],
      ['third', [backupId]],
    ],
  );
  assert.equal(
    (await place.run(['restore', 'latest', '--destination', 'third', '--to', 'r', '--confirm-restore']))
      .status,
    0,
  );
  assert.deepEqual(
    await fingerprint(join(place.folder, 'r/app')),
    await fingerprint(join(place.folder, 'app')),
  );

  const [bundle] = files.filter((name) => name.endsWith('.enc'));
  const path = join(place.folder, 'offsite/backups', bundle!);
  const bytes = readFileSync(path);
  bytes[200_000]! ^= 1;
  writeFileSync(path, bytes);
  assert.equal((await place.run(['verify'])).status, 4);
  await place.json(['verify', '--heal']);
  assert.equal((await place.run(['verify'])).status, 0);
});

test('the real program killed while it copies: what was committed is whole, and the next run ends it', async (t) => {
  const random = seededRandom('kill replicate');
  const place = await copiesPlace(t, THREE);
  await place.json(['init']);
  await place.hide('offsite');
  for (let i = 0; i < 3; i += 1) {
    await place.write('large', random.bytes(3 << 20));
    await place.json(['backup'], 9);
  }
  await place.show('offsite');
  const program = join(import.meta.dirname, '../../bin/holdfast.js');
  for (let i = 0; i < count(3, 100); i += 1) {
    const child = spawn(process.execPath, [program, 'replicate'], {
      cwd: place.folder,
      env: { PATH: process.env.PATH, HOME: place.folder, ...place.environment },
      stdio: 'ignore',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 150 + random.int(600));
    await once(child, 'close');
    clearTimeout(timer);
    assert.equal((await place.run(['verify', '--destination', 'offsite'])).status, 0, `trial ${i}`);
  }
  await place.json(['replicate']);
  assert.equal((await place.run(['verify'])).status, 0);
});
