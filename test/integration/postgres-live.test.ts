/** Reliability 31: dumps while money moves and tables change, and dumps that are cut off. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { codeOf } from '../../src/engine/base/errors.ts';
import { parsePostgresAddress } from '../../src/engine/sources/postgres/address.ts';
import { archiveParser } from '../../src/engine/sources/postgres/archive-parser.ts';
import { eachRows } from '../../src/engine/sources/postgres/block-rows.ts';
import { parseDumpFacts, postgresSource } from '../../src/engine/sources/postgres/index.ts';
import { takeSnapshot } from '../../src/engine/sources/postgres/snapshot.ts';
import { streamDump } from '../../src/engine/sources/postgres/stream-dump.ts';
import { count } from '../support/counts.ts';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { seededRandom } from '../support/seed.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ACCOUNTS = 400;
const TOTAL = ACCOUNTS * 1000;
const REFILLED_ROWS = 50;

let cluster: Cluster;
let url: string;

before(async () => {
  cluster = await startCluster();
  url = await cluster.createDatabase('bank');
  await cluster.psql(
    `create table accounts (id integer primary key, balance bigint not null);
     insert into accounts select g, 1000 from generate_series(1, ${ACCOUNTS}) g;
     create table refilled (n integer);
     insert into refilled select generate_series(1, ${REFILLED_ROWS});
     create table ballast (id integer, body text);
     insert into ballast select g, repeat(md5(g::text), 20) from generate_series(1, 5000) g;`,
    'bank',
  );
});
after(() => cluster?.stop());

/** The rows of a table in a dump, as COPY text split into fields. */
async function rowsIn(dump: MemoryArtifact, name: string): Promise<string[][]> {
  const table = parseDumpFacts(dump.facts)!.tables.find((one) => one.name === name)!;
  const block = memoryReader().read(dump.content, { start: table.start, end: table.end });
  const parts: Buffer[] = [];
  await eachRows(block, table, (bytes) => parts.push(Buffer.from(bytes)));
  const lines = Buffer.concat(parts).toString().split('\n').slice(0, -1);
  return lines.map((line) => line.split('\t'));
}

/** Works in a loop by a session of its own until stopped. */
function worker(work: (client: Client, round: number) => Promise<void>) {
  let stopped = false;
  let rounds = 0;
  const running = (async () => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    for (; !stopped; rounds += 1) await work(client, rounds);
    await client.end();
  })();
  running.catch(() => {});
  return {
    rounds: () => rounds,
    stop() {
      stopped = true;
      return running;
    },
  };
}

const transfer = async (client: Client, round: number) => {
  const [from, to] = [1 + ((round * 7) % ACCOUNTS), 1 + ((round * 13 + 5) % ACCOUNTS)];
  await client.query(
    `begin; update accounts set balance = balance - 10 where id = ${from};
     update accounts set balance = balance + 10 where id = ${to}; commit`,
  );
};

/** Every kind of change that an old snapshot could be confused by. */
const changes = [
  `begin; truncate refilled; insert into refilled select generate_series(1, ${REFILLED_ROWS}); commit`,
  'create table if not exists passing (id integer, body text); insert into passing select 1',
  'alter table accounts add column if not exists note text',
  'alter table accounts alter column balance type numeric',
  'alter table refilled add column if not exists extra integer default 5',
  'drop table if exists passing',
  'alter table accounts alter column balance type bigint; alter table accounts drop column if exists note',
  'alter table refilled drop column if exists extra; vacuum full refilled',
];
/** Between two changes there is time for a dump to begin, however busy the machine is: else none could. */
const changeSchema = (pauseMs: () => number) => async (client: Client, round: number) => {
  for (const statement of changes[round % changes.length]!.split(/; (?=alter|vacuum)/))
    await client.query(statement);
  await new Promise((resolve) => setTimeout(resolve, pauseMs()));
};
const SHORTEST_PAUSE_MS = 150;
const LONGEST_PAUSE_MS = 60_000;
/** Twice through what may be changed. */
const CHANGES = 2 * changes.length;

describe('dumps of a busy database', () => {
  test('hold one moment exactly, while rows move and tables change', async (t) => {
    const scratch = await temporaryFolder(t);
    let pauseMs = SHORTEST_PAUSE_MS;
    const dumped = async (): Promise<MemoryArtifact[]> => {
      const begun = performance.now();
      try {
        const artifacts = await runSource(postgresSource({ name: 'bank', url }), sourceContext(scratch));
        pauseMs = Math.max(SHORTEST_PAUSE_MS, performance.now() - begun);
        return artifacts;
      } catch (error) {
        // Where the machine became so much slower that changes came in every time, it says so; then they come less often.
        if (codeOf(error) !== 'source_busy' || pauseMs > LONGEST_PAUSE_MS) throw error;
        pauseMs = Math.max(2 * pauseMs, performance.now() - begun);
        return dumped();
      }
    };
    await dumped();
    const changing = worker(changeSchema(() => pauseMs));
    const workers = [worker(transfer), worker(transfer), changing];
    try {
      // As many as wanted, and on until everything has changed meanwhile.
      for (let run = 0; run < count(8, 100) || changing.rounds() < CHANGES; run += 1) {
        const [dump] = await dumped();
        const balances = (await rowsIn(dump!, 'accounts')).map(([, balance]) => Number(balance));
        assert.equal(balances.length, ACCOUNTS);
        assert.equal(
          balances.reduce((sum, one) => sum + one, 0),
          TOTAL,
          `run ${run}`,
        );
        assert.equal((await rowsIn(dump!, 'refilled')).length, REFILLED_ROWS, `run ${run}`);
      }
    } finally {
      await Promise.all(workers.map(({ stop }) => stop()));
    }
    const rounds = workers.map((one) => one.rounds());
    assert.ok(
      rounds.every((number) => number > 5),
      `the workers worked: ${rounds}`,
    );
  });

  test('begin again when a table was rewritten after the snapshot; an unguarded dump shows it empty', async (t) => {
    const scratchFolder = await temporaryFolder(t);
    const rewrite = () => cluster.psql(changes[0]!, 'bank');
    const address = parsePostgresAddress(url);
    const snapshot = await takeSnapshot(address);
    await rewrite();
    const call = {
      tools: { major: 15, version: '15', folder: cluster.binFolder },
      address,
      scratchFolder,
      lockTimeoutMs: 10_000,
    };
    const sink = { write() {}, cut() {} };
    const unguarded = await streamDump({ ...call, sink, snapshotId: snapshot.id });
    await snapshot.release();
    assert.equal(unguarded.tables.find((table) => table.name === 'refilled')!.rows, 0);

    const context = sourceContext(scratchFolder);
    const session = await postgresSource({ name: 'bank', url }).open(context);
    t.after(() => session.close());
    const before = session.snapshot().id;
    await rewrite();
    await cluster.psql('create table gone (id integer); drop table gone', 'bank');
    const artifact = session.artifacts[0]!;
    assert.ok(artifact.form === 'stream');
    const facts = parseDumpFacts(await artifact.produce(sink))!;
    assert.equal(facts.tables.find((table) => table.name === 'refilled')!.rows, REFILLED_ROWS);
    assert.notEqual(session.snapshot().id, before);
  });

  test('share their moment with whatever else is read, through the exported snapshot', async (t) => {
    const source = postgresSource({ name: 'bank', url });
    const sum = 'select sum(balance * id) as sum from accounts';
    await runSource(source, sourceContext(await temporaryFolder(t)), async (session) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      const then = await cluster.psql(sum, 'bank');
      await transfer(client, 1);
      await client.query('begin isolation level repeatable read');
      await client.query(`set transaction snapshot '${session.snapshot().id}'`);
      assert.equal((await client.query(sum)).rows[0].sum, then);
      await client.end();
      assert.notEqual(await cluster.psql(sum, 'bank'), then);
    });
  });
});

/** One attempt under a fault: null when it failed, else what was called a success. */
type Attempt = (toolFolder: string) => Promise<Buffer | null>;

const holdfast: Attempt = async (toolFolder) => {
  const parts: Buffer[] = [];
  const address = parsePostgresAddress(url);
  const tools = { major: 15, version: '15', folder: toolFolder };
  const sink = { write: (bytes: Uint8Array) => void parts.push(Buffer.from(bytes)), cut() {} };
  const call = { tools, address, snapshotId: null, scratchFolder: '/tmp', sink, lockTimeoutMs: 10_000 };
  return streamDump(call).then(
    () => Buffer.concat(parts),
    () => null,
  );
};

/** The pg_dump processes this one started. */
function dumpers(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  const isDumper = (pid: string) => {
    try {
      // One that has ended and was not asked for its outcome yet is called so.
      const [, name, state] = /^\d+ \((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
      return name === 'pg_dump' && state !== 'Z';
    } catch {
      return false;
    }
  };
  return children.filter((pid) => pid !== '' && isDumper(pid)).map(Number);
}

/** Deliberately broken: looks only at one of the two signs of success. */
const careless = (trusts: 'exit code' | 'archive'): Attempt => {
  return async (toolFolder) => {
    const args = ['--format=custom', '--compress=0', `--dbname=${url}`];
    const { stdout, status } = spawnSync(join(toolFolder, 'pg_dump'), args, { maxBuffer: 1 << 30 });
    if (trusts === 'exit code') return status === 0 ? stdout : null;
    const parser = archiveParser();
    try {
      parser.push(stdout);
      parser.end();
      return stdout;
    } catch {
      return null;
    }
  };
};

describe('dumps that are cut off', () => {
  async function faults(folder: string): Promise<{ name: string; toolFolder: string }[]> {
    const random = seededRandom('cut dumps');
    const size = (await holdfast(cluster.binFolder))!.length;
    const places = Array.from({ length: count(8, 200) }, () => random.int(size));
    const scripts = [
      ...[0, 1, 4, 11, 100, size - 1, ...places].map((at) => `"$REAL" "$@" | head -c ${at}; exit 0`),
      '"$REAL" "$@"; exit 1',
      '"$REAL" "$@"; kill -KILL $$',
      ...places.slice(0, 4).map((at) => `"$REAL" "$@" | head -c ${at}; kill -SEGV $$`),
    ];
    return scripts.map((script, i) => ({
      name: script,
      toolFolder: fakePgDump(join(folder, `${i}`), cluster.binFolder, script),
    }));
  }

  async function falseSuccesses(attempt: Attempt, folder: string): Promise<string[]> {
    const found: string[] = [];
    for (const { name, toolFolder } of await faults(folder)) {
      if ((await attempt(toolFolder)) !== null) found.push(name);
    }
    return found;
  }

  test('are never called a success, wherever pg_dump ends and whatever it says', async (t) => {
    assert.deepEqual(await falseSuccesses(holdfast, await temporaryFolder(t)), []);
    assert.notEqual(await holdfast(cluster.binFolder), null);
  });

  test('would be, if either the exit code or the archive were believed alone', async (t) => {
    const byExit = await falseSuccesses(careless('exit code'), await temporaryFolder(t));
    assert.ok(byExit.some((name) => name.includes('exit 0')));
    const byArchive = await falseSuccesses(careless('archive'), await temporaryFolder(t));
    assert.ok(byArchive.some((name) => name.includes('exit 1')));
  });

  test('are not, when the server or pg_dump dies at any moment', async (t) => {
    const random = seededRandom('killed dumps');
    const scratch = await temporaryFolder(t);
    // Far more than is read ahead, so that pg_dump is still at work when it is killed.
    const wide = await cluster.createDatabase('wide');
    await cluster.psql(
      'create table filler as select g, repeat(md5(g::text), 30) as text from generate_series(1, 20000) g',
      'wide',
    );
    // These clusters log next to nothing: what is to survive a crash has to be on disk.
    await cluster.psql('checkpoint', 'wide');
    for (let run = 0; run < count(6, 60); run += 1) {
      const kills = run % 2 === 0 ? 'server' : 'pg_dump';
      const session = await postgresSource({ name: 'wide', url: wide }).open(sourceContext(scratch));
      const artifact = session.artifacts[0]!;
      assert.ok(artifact.form === 'stream');
      let left = random.int(10_000_000);
      let reached = false;
      const produced = artifact.produce({
        async write(bytes) {
          left -= bytes.length;
          if (left >= 0 || left < -bytes.length) return;
          reached = true;
          // Nothing more is read before it is gone.
          if (kills === 'server') return cluster.crash();
          for (const pid of dumpers()) process.kill(pid, 'SIGKILL');
          while (dumpers().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
        },
        cut() {},
      });
      const codes = kills === 'server' ? ['database_unreachable', 'source_failed'] : ['source_failed'];
      await assert.rejects(produced, (error: { code?: string }) => codes.includes(error.code ?? ''), kills);
      assert.ok(reached, `the ${kills} was never killed`);
      await session.close();
      if (kills === 'server') await cluster.start();
    }
  });
});
