/** A full disk, at the destination and at the target: told as such, nothing lost, nothing half-written. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { listPayload } from '../../src/contracts/cli-payloads.ts';
import { failed, fingerprint, place, succeeded } from '../support/cli-place.ts';
import { seededRandom } from '../support/seed.ts';
import { smallDisk } from '../support/small-disk.ts';

const NO_MINIMUM = { HOLDFAST_MINIMUM_FREE_BYTES: '0' };

test('a destination that is full refuses a backup; earlier ones stay whole, and room is all it takes', async (t) => {
  const { folder, holdfast } = await place(t);
  const disk = smallDisk(t, 1 << 20);
  const environment = { HOLDFAST_REPOSITORY: join(disk.folder, 'repository') };
  const run = (args: string[], more = {}) =>
    holdfast(args, { ...disk.options, environment: { ...environment, ...NO_MINIMUM, ...more } });
  succeeded(await run(['init']));
  succeeded(await run(['backup', './app.db', './uploads']));
  await writeFile(join(folder, 'large.bin'), seededRandom(t.name).bytes(3_000_000));
  const full = failed(await run(['backup', './app.db', './large.bin', '--json']), 1, disk.codes.storage);
  assert.match(full.message, /holdfast-disk-.*\/repository: packs\//);

  const low = failed(
    await run(['backup', './app.db', '--json'], { HOLDFAST_MINIMUM_FREE_BYTES: '900000000000000' }),
    8,
    'space_low',
  );
  assert.match(low.message, /holdfast-disk-.*\/repository has \d+ \S+ free, the minimum is 900000000 MB/);
  assert.match(low.next, /minimumFreeBytes/);
  assert.equal(listPayload.parse(JSON.parse((await run(['list', '--json'])).stdout)).length, 1);
  assert.deepEqual(await readdir(join(disk.folder, 'repository', '.tmp')), [], 'an unfinished object stayed');
  succeeded(await run(['verify']));
  succeeded(await run(['restore', 'latest', '--to', 'out', '--confirm-restore']));
  assert.equal(await readFile(join(folder, 'out/uploads/2026/Grüße.txt'), 'utf8'), 'hello');
  await writeFile(join(folder, 'large.bin'), 'small by now');
  succeeded(await run(['backup', './app.db', './large.bin']));
});

test('a target that is full gets nothing half-written, and what was there stays', async (t) => {
  const { folder, holdfast } = await place(t);
  const random = seededRandom(t.name);
  await writeFile(join(folder, 'uploads/large.bin'), random.bytes(600_000));
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table blobs (b blob)');
  database.prepare('insert into blobs values (?)').run(random.bytes(600_000));
  database.close();
  succeeded(await holdfast(['backup', './app.db', './uploads']));
  succeeded(await holdfast(['bundle', 'export', 'latest', 'good.enc']));
  const disk = smallDisk(t, 400_000);
  await writeFile(join(disk.folder, 'precious.db'), 'what was there before');
  const before = await fingerprint(disk.folder);
  const to = (name: string) => ['--to', join(disk.folder, name), '--confirm-restore'];
  const cases: string[][] = [
    ['restore', 'latest', 'uploads', ...to('new/uploads')],
    ['restore', 'latest', 'uploads/large.bin', ...to('large.bin')],
    ['restore', 'latest', 'app.db', ...to('precious.db')],
    ['restore', 'latest', ...to('everything')],
    ['bundle', 'export', 'latest', join(disk.folder, 'b.enc')],
    ['bundle', 'open', 'good.enc', join(disk.folder, 'opened')],
  ];
  for (const args of cases) {
    const said = failed(await holdfast([...args, '--json'], disk.options), 1, disk.codes.target);
    assert.match(said.message, /holdfast-disk-/, args.join(' '));
    assert.match(said.next, /space/);
    assert.deepEqual(await fingerprint(disk.folder), before, args.join(' '));
    assert.deepEqual(await readdir(disk.folder), ['precious.db'], args.join(' '));
  }
  succeeded(await holdfast(['restore', 'latest', 'uploads', '--to', 'out', '--confirm-restore']));
  assert.ok(existsSync(join(folder, 'out/large.bin')));
});

test('negative control: a program that writes straight to its target would be caught', async (t) => {
  const disk = smallDisk(t, 400_000);
  const careless = writeFile(join(disk.folder, 'half'), Buffer.alloc(600_000, 1)).catch(() => 'failed');
  const outcome = await careless;
  // Without a mount this process itself has no limit: then the whole file is there.
  assert.equal(outcome === 'failed', disk.options.fileLimitBytes === undefined);
  assert.deepEqual(await readdir(disk.folder), ['half']);
});
