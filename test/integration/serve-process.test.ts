import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { httpClient } from '../support/http-client.ts';
import { OWNER, storeDatabase } from '../support/http-world.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

interface Served {
  readonly address: string;
  readonly stderr: () => string;
  readonly child: ChildProcess;
  stop(): Promise<number | null>;
}

/** `holdfast` as its own process, until it says that it serves. */
async function serve(t: TestContext, folder: string, args: readonly string[] = []): Promise<Served> {
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: join(folder, 'home') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    return ended;
  };
  t.after(stop);
  const address = await untilTrue(async () => /serves (http:\S+)/.exec(stderr)?.[1]);
  return { address, stderr: () => stderr, child, stop };
}

const tokenIn = (text: string) => /hfsetup_[\w-]+/.exec(text)?.[0];

test('a fresh server: token on the console, owner, plan, backup, list; a restart keeps it and prints no token', async (t) => {
  const folder = await temporaryFolder(t);
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a); insert into t values (1)');
  database.close();
  const first = await serve(t, folder);
  const token = await untilTrue(async () => tokenIn(first.stderr()));
  assert.equal(first.stderr().split(token).length, 2, 'printed once');
  const client = httpClient(first.address);
  const claim = await client.send('POST', '/api/setup/owner', {
    body: OWNER,
    headers: { 'x-setup-token': token },
  });
  assert.equal(claim.status, 201, claim.text);
  await storeDatabase(client, folder);
  await client.post('/api/v1/plans', { name: 'nightly', body: { sources: ['app'], destination: 'main' } });
  const { json: run } = await client.post('/api/v1/plans/nightly/run');
  const events = await client.get(`/api/v1/jobs/${run.job_id}/events`);
  assert.match(events.text, /"status":"succeeded"/);
  const { json: before } = await client.get('/api/v1/backups');
  assert.equal(before.items.length, 1);
  for (const name of ['catalog.db', 'access.key', 'encryption.key']) {
    assert.equal((await stat(join(folder, 'home', name))).mode & 0o077, 0, `${name} is for its owner alone`);
  }
  assert.equal(await first.stop(), 0);

  const second = await serve(t, folder);
  assert.equal(tokenIn(second.stderr()), undefined);
  client.headers.host = new URL(second.address).host;
  const again = httpClient(second.address);
  for (const [name, value] of client.cookies) again.cookies.set(name, value);
  assert.deepEqual((await again.get('/api/v1/backups')).json, before, 'also the session goes on');

  const environment = { HOLDFAST_HOME: join(folder, 'home') };
  const triggered = await runCli(['trigger', '--type', 'db', '--wait', '--json'], { folder, environment });
  assert.equal(triggered.status, 0, triggered.stderr);
  const { items } = (await again.get('/api/v1/triggers?limit=1')).json;
  assert.deepEqual([items[0].via, items[0].type, items[0].status], ['cli', 'db', 'succeeded']);
  assert.equal(JSON.parse(triggered.stdout).jobId, items[0].job_id);

  const { stdout } = await runCli(['access', 'login-code', OWNER.name], {
    folder,
    environment,
  });
  const stranger = httpClient(second.address);
  assert.equal((await stranger.post('/api/v1/session/code', { login_code: stdout.trim() })).status, 201);
  assert.equal(await second.stop(), 0);
});

test('a job with a label waits for the worker that carries it', async (t) => {
  const folder = await temporaryFolder(t);
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a)');
  database.close();
  const server = await serve(t, folder);
  const token = await untilTrue(async () => tokenIn(server.stderr()));
  const client = httpClient(server.address);
  await client.send('POST', '/api/setup/owner', { body: OWNER, headers: { 'x-setup-token': token } });
  await storeDatabase(client, folder);
  await client.post('/api/v1/plans', {
    name: 'far',
    body: { sources: ['app'], destination: 'main', label: 'dmz' },
  });
  const { json: run } = await client.post('/api/v1/plans/far/run');
  const worker = spawn(process.execPath, [BIN, 'worker', '--label', 'dmz', '--only-labels'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: join(folder, 'home') },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => worker.on('close', resolve));
  t.after(async () => {
    worker.kill('SIGTERM');
    await ended;
  });
  const job = await untilTrue(async () => {
    const { json } = await client.get(`/api/v1/jobs/${run.job_id}`);
    return json.finished_at ? json : null;
  });
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  const { json: workers } = await client.get('/api/v1/workers');
  assert.deepEqual(workers.items.find(({ id }: { id: string }) => id === job.worker_id)?.labels, ['dmz']);
});
