/** However a drill ends, by Ctrl-C, by a kill, by a crash of everything, nothing of it stays. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { drillPayload } from '../../src/contracts/drill-payload.ts';
import { newId } from '../../src/engine/base/ids.ts';
import { findLeftovers, removeLeftovers } from '../../src/engine/operations/drill/drill-folder.ts';
import { isAlive, processesOf, thisProcess } from '../../src/engine/operations/drill/process-identity.ts';
import { parsePostgresAddress } from '../../src/engine/sources/postgres/index.ts';
import {
  claimScratchDatabase,
  removeScratchLeftovers,
} from '../../src/engine/sources/postgres/scratch-database.ts';
import { type Place, place, succeeded } from '../support/cli-place.ts';
import { leftOver, processesWith } from '../support/leftover-processes.ts';
import { startCluster } from '../support/postgres-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

interface Kept extends Place {
  readonly root: string;
  readonly environment: Record<string, string>;
}

async function prepared(t: TestContext): Promise<Kept> {
  const live = await startCluster();
  t.after(() => live.stop());
  const it = await place(t);
  const root = join(it.folder, 'd');
  mkdirSync(root);
  for (const folder of [it.folder, root]) chmodSync(folder, 0o711);
  const url = await live.createDatabase('shop');
  await live.psql('create table users as select n from generate_series(1, 50) n', 'shop');
  writeFileSync(
    join(it.folder, 'holdfast.yaml'),
    `destinations: { here: { address: ./repository } }
sources: { main: { kind: postgres, urlEnv: SHOP_URL }, app: { kind: sqlite, path: ./app.db } }
plans: { nightly: { sources: [main, app], drill: { folder: ./d } } }
`,
  );
  const environment = { SHOP_URL: url };
  for (const command of ['init', 'backup']) succeeded(await it.holdfast([command], { environment }));
  return { ...it, root, environment };
}

/** Runs a drill that waits with everything restored, and does something to it then. */
async function whileKept(
  { holdfast, environment, root }: Kept,
  meddle: (child: ChildProcess, drillId: string) => void,
) {
  let drillId = '';
  const run = await holdfast(['drill', '--keep'], {
    environment,
    onStart(child) {
      let said = '';
      child.stderr!.on('data', (text: string) => {
        said += text;
        if (drillId !== '' || !said.includes('press Ctrl-C')) return;
        drillId = readdirSync(root)[0]!.replace('holdfast-drill-', '');
        assert.ok(processesWith(drillId).length > 0);
        assert.ok(existsSync(join(root, `holdfast-drill-${drillId}`, 'restored', 'app.db')));
        meddle(child, drillId);
      });
    },
  });
  assert.notEqual(drillId, '', run.stderr);
  return { run, drillId };
}

test('Ctrl-C, SIGTERM, SIGKILL and a crash of everything leave nothing', async (t) => {
  const kept = await prepared(t);
  const { root, holdfast, environment } = kept;

  await t.test('Ctrl-C', async () => {
    const { run, drillId } = await whileKept(kept, (child) => child.kill('SIGINT'));
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual(readdirSync(root), []);
    assert.deepEqual(await leftOver(drillId), []);
  });

  await t.test('Ctrl-C while it restores', async () => {
    const run = await holdfast(['drill', '--json'], {
      environment,
      onStart(child) {
        const wait = setInterval(() => {
          if (readdirSync(root).length === 0) return;
          clearInterval(wait);
          child.kill('SIGINT');
        }, 20);
        child.once('exit', () => clearInterval(wait));
      },
    });
    assert.equal(run.status, 130, run.stdout);
    assert.match(run.stdout, /nothing of it is left/);
    assert.deepEqual(readdirSync(root), []);
  });

  await t.test('SIGKILL', async () => {
    const { run, drillId } = await whileKept(kept, (child) => child.kill('SIGKILL'));
    assert.equal(run.signal, 'SIGKILL');
    await untilTrue(async () => readdirSync(root).length === 0);
    assert.deepEqual(await leftOver(drillId), []);
  });

  await t.test('a crash that takes the guardians along', async () => {
    const { drillId } = await whileKept(kept, (child, id) => {
      const folder = join(root, `holdfast-drill-${id}`);
      const ours = [`FOLDER=${folder}`, `FOLDER=${folder}/pg/15`].flatMap((mark) => processesOf(mark, null));
      const shells = ours.filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh');
      assert.ok(shells.length >= 2);
      for (const pid of shells) process.kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
    });
    // The server runs on without anybody, and its folder is there.
    assert.equal(readdirSync(root).length, 1);
    const folder = join(root, `holdfast-drill-${drillId}`);
    assert.ok(processesOf('nobody', join(folder, 'pg')).length > 0);
    assert.deepEqual(
      (await findLeftovers(root)).map((left) => left.drillId),
      [drillId],
    );
    const next = await holdfast(['drill', '--json'], { environment });
    assert.equal(drillPayload.parse(JSON.parse(succeeded(next).stdout)).result, 'green');
    assert.match(next.stderr, new RegExp(`removed what the interrupted drill ${drillId} had left`));
    assert.deepEqual(readdirSync(root), []);
    assert.deepEqual(processesOf('nobody', join(folder, 'pg')), []);
  });
});

test('only what a dead drill of this user left is removed', async (t) => {
  const root = await temporaryFolder(t);
  const folderOf = async (record: unknown, id = newId()) => {
    const path = join(root, `holdfast-drill-${id}`);
    await mkdir(path);
    if (record !== null) writeFileSync(join(path, 'drill.json'), JSON.stringify(record));
    return { path, id };
  };
  const recordOf = (drillId: string, process: unknown) => ({ version: 1, drillId, process });
  const dead = { pid: thisProcess().pid, started: 'another boot:1' };
  const id = newId();
  const { path: goes } = await folderOf(recordOf(id, dead), id);
  const alive = newId();
  const stays = [
    (await folderOf(recordOf(alive, thisProcess()), alive)).path,
    (await folderOf(null)).path,
    (await folderOf({ version: 1 })).path,
    (await folderOf(recordOf(newId(), dead))).path,
  ];
  await mkdir(join(root, 'holdfast-drill-mine'));
  const outside = join(root, 'outside');
  await mkdir(outside);
  writeFileSync(join(outside, 'drill.json'), '{}');
  await symlink(outside, join(root, `holdfast-drill-${newId()}`));
  assert.deepEqual(
    (await removeLeftovers(root)).map(({ drillId }) => drillId),
    [id],
  );
  assert.ok(!existsSync(goes));
  for (const path of [...stays, join(root, 'holdfast-drill-mine'), outside])
    assert.ok(existsSync(path), path);
  assert.equal(readFileSync(join(outside, 'drill.json'), 'utf8'), '{}');
});

test('a process is told from a later one with its number', () => {
  const me = thisProcess();
  assert.ok(isAlive(me));
  assert.ok(!isAlive({ ...me, started: `${me.started}0` }));
  assert.ok(!isAlive({ pid: 2 ** 22 - 1, started: me.started }));
  // Where a system does not tell, a live number counts as the process: rather too much stays than too little.
  assert.ok(isAlive({ ...me, started: null }));
});

test('scratch databases of dead sessions are dropped, those in use are not', async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const server = parsePostgresAddress(cluster.url);
  const used = await claimScratchDatabase(server, '');
  const left = await claimScratchDatabase(server, "encoding 'UTF8'");
  await cluster.psql(`create database holdfast_drill_notes`);
  const names = async () =>
    (await cluster.psql("select datname from pg_database where datname like 'holdfast%' order by 1")).split(
      '\n',
    );
  assert.equal((await names()).length, 3);
  assert.deepEqual(await removeScratchLeftovers(server), []);
  // As when the process that held it ends without a word.
  await cluster.psql(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
     and (classid::bigint << 32 | objid::bigint) = hashtextextended('${left.address.database}', 0)`,
  );
  await untilTrue(async () => (await removeScratchLeftovers(server)).includes(left.address.database));
  assert.deepEqual(await names(), [used.address.database, 'holdfast_drill_notes'].sort());
  await used.drop();
  assert.deepEqual(await names(), ['holdfast_drill_notes']);
  await left.drop();
});
