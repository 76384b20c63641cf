/** Reliability 1: a run that dies anywhere loses no committed backup and needs no cleaning up. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { backup } from '../../src/engine/operations/backup.ts';
import type { OperationContext } from '../../src/engine/operations/context.ts';
import { listBackups } from '../../src/engine/operations/list.ts';
import { restore } from '../../src/engine/operations/restore.ts';
import { ARCHIVE_MS, archive, rotate } from '../../src/engine/operations/rotate.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { count } from '../support/counts.ts';
import { eachKill } from '../support/each-kill.ts';
import { type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

async function contextOf(
  world: RepositoryWorld,
  storage: Storage,
  folder: string,
): Promise<OperationContext> {
  const { clock, credential, signingKey } = world;
  const repository = await openRepository({ storage, credentials: [credential], clock, signingKey });
  const { signal } = new AbortController();
  return {
    repository,
    progress: silentProgress,
    signal,
    clock,
    scratchRoot: join(folder, 'scratch'),
    workers: 1,
  };
}

async function makeFiles(folder: string): Promise<string> {
  const files = join(folder, 'files');
  await mkdir(files);
  await writeFile(join(files, 'noise'), randomFrom(4).bytes(300_000));
  await writeFile(join(files, 'text'), 'first');
  return files;
}

const requestOf = (path: string) =>
  ({
    sources: [{ kind: 'files', name: 'files', paths: [path], exclude: [], optional: false }],
    plan: 'nightly',
    tenantId: null,
    type: 'full',
  }) as const;

test('a backup that dies before or after any call leaves the earlier one whole, and the next run succeeds', async (t) => {
  const folder = await temporaryFolder(t);
  const files = await makeFiles(folder);
  const world = await repositoryWorld();
  const request = requestOf(files);
  const first = await backup(await contextOf(world, world.storage, folder), request);
  await writeFile(join(files, 'text'), 'second');
  let trial = 0;
  const calls = await eachKill(
    world.storage,
    world.clock,
    async (storage) => backup(await contextOf(world, storage, folder), request),
    async (storage, point) => {
      trial += 1;
      const context = await contextOf(world, storage, folder);
      const report = await verifyRepository(context.repository);
      assert.deepEqual([report.damaged, report.affected, report.rejected], [[], [], []], point);
      const target = join(folder, `restored-${trial}`);
      await restore(context, { backupId: first.backupId, item: null, target, replace: false });
      assert.equal(await readFile(join(target, 'files/text'), 'utf8'), 'first', point);
      const again = await backup(context, request);
      assert.equal(again.status, 'succeeded', point);
    },
  );
  assert.ok(calls >= 3, `${calls} mutating calls: a pack, an index, a manifest`);
});

test('retention that dies before or after any call loses nothing it keeps, and finishes when told again', async (t) => {
  const folder = await temporaryFolder(t);
  const files = await makeFiles(folder);
  const world = await repositoryWorld();
  const made: string[] = [];
  const request = requestOf(files);
  for (const text of ['gone for good', 'archived', 'kept']) {
    await writeFile(join(files, 'text'), text);
    const context = await contextOf(world, world.storage, folder);
    made.push((await backup(context, request)).backupId);
    if (made.length === 1) await archive(context, made[0]!);
    world.clock.advance(ARCHIVE_MS);
  }
  const [, second, newest] = made;
  const idsOf = async (context: OperationContext, archived: boolean) =>
    (await listBackups(context, { plan: null, tenantId: null, archived })).map(({ id }) => id);
  const rotateOn = async (storage: Storage) =>
    rotate(await contextOf(world, storage, folder), {
      ...{ dryRun: false, plan: null, tenantId: null },
      rulesOf: () => ({ keepLast: 1 }),
    });
  const check = async (storage: Storage, point: string) => {
    const context = await contextOf(world, storage, folder);
    const left = [...(await idsOf(context, false)), ...(await idsOf(context, true))];
    for (const id of [second!, newest!]) assert.ok(left.includes(id), `${point}: ${id} is lost`);
    const report = await verifyRepository(context.repository);
    assert.deepEqual([report.damaged, report.affected, report.rejected], [[], [], []], point);
    await rotateOn(storage);
    const after = await contextOf(world, storage, folder);
    assert.deepEqual([await idsOf(after, false), await idsOf(after, true)], [[newest], [second]], point);
  };
  const calls = await eachKill(world.storage, world.clock, rotateOn, check);
  assert.ok(calls >= 3, `${calls} mutating calls: into the archive, out of the list, a purge`);

  const careless = async (storage: Storage) => {
    const { repository } = await contextOf(world, storage, folder);
    const { name } = (await repository.manifests.resolve(second!)).ref;
    const bytes = await storage.get(name);
    await storage.remove(name);
    await storage.put(name.replace('backups/', 'archived/'), bytes);
  };
  const caught = eachKill(world.storage, world.clock, careless, check);
  await assert.rejects(
    caught,
    /is lost/,
    'negative control: taken out of the list before it is in the archive',
  );
});

interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
}

async function holdfast(home: string, args: readonly string[], killAfterMs?: number): Promise<Run> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env.PATH, HOME: home, HOLDFAST_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { exitCode, stdout };
}

test('the real program killed at random instants: every committed backup verifies, and nothing blocks the next', async (t) => {
  const random = seededRandom('kill anywhere');
  const folder = await temporaryFolder(t);
  const home = join(folder, 'home');
  const files = await makeFiles(folder);
  await writeFile(join(files, 'large'), random.bytes(3 << 20));
  assert.equal((await holdfast(home, ['backup', files])).exitCode, 0);
  let committed = 1;
  for (let i = 0; i < count(6, 200); i += 1) {
    await writeFile(join(files, 'large'), random.bytes(3 << 20));
    const run = await holdfast(home, ['backup', files], 100 + random.int(900));
    const listed = JSON.parse((await holdfast(home, ['list', '--json'])).stdout) as unknown[];
    if (run.exitCode === 0) committed += 1;
    assert.ok(listed.length >= committed, `trial ${i}: ${listed.length} of ${committed} backups are left`);
    committed = listed.length;
    assert.equal((await holdfast(home, ['verify'])).exitCode, 0, `trial ${i}`);
  }
  assert.equal((await holdfast(home, ['backup', files])).exitCode, 0);
});

test('negative control: a manifest written before its packs is caught', async (t) => {
  const folder = await temporaryFolder(t);
  const files = await makeFiles(folder);
  const world = await repositoryWorld();
  await backup(await contextOf(world, world.storage, folder), requestOf(files));
  // What a wrong order would leave behind when it dies in between.
  for await (const { name } of world.storage.list('packs/')) await world.storage.remove(name);
  const { repository } = await contextOf(world, world.storage, folder);
  const report = await verifyRepository(repository);
  assert.equal(report.affected.length, 1);
});
