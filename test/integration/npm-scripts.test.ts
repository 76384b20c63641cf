/** The npm scripts, typed with an operator's habits: with a server that runs here, and without one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { httpWorld } from '../support/http-world.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code?: number;
}

/** `npm run SCRIPT …`, without npm's separator unless it is among the arguments. */
type Npm = (...args: string[]) => Promise<Ran>;

function npmIn(folder: string, more: Readonly<Record<string, string>>): Npm {
  const env = { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: join(folder, 'home'), ...more };
  return (...args) =>
    promisify(execFile)('npm', ['run', '--silent', ...args], { cwd: ROOT, env }).catch((error: Ran) => error);
}

/** An application with a configuration: a database and a file, for one tenant. */
async function configured(t: TestContext): Promise<{ folder: string; npm: Npm }> {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads', 'one.txt'), 'one');
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a); insert into t values (1)');
  database.close();
  const config = join(folder, 'holdfast.yaml');
  await writeFile(
    config,
    `destinations: { main: { address: ${folder}/main, minimumFreeBytes: 0 } }
sources:
  app: { kind: sqlite, path: ${folder}/app.db }
  uploads: { kind: files, path: ${folder}/uploads }
plans:
  acme: { sources: [app, uploads], destination: main, tenantId: acme, retention: { keepLast: 1 } }
  rival: { sources: [uploads], destination: main, tenantId: rival }
`,
  );
  const environment = { HOLDFAST_CONFIG: config, BACKUP_ENCRYPTION_KEY: 'a long enough key for a test' };
  const inited = await runCli(['init'], {
    folder,
    environment: { HOLDFAST_HOME: join(folder, 'home'), ...environment },
  });
  assert.equal(inited.status, 0, inited.stderr);
  return { folder, npm: npmIn(folder, environment) };
}

test('backup:trigger asks the server that is there, by tenant and type', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  const body = { sources: ['app', 'uploads'], destination: 'main', tenantId: 'acme' };
  await owner.post('/api/v1/plans', { name: 'acme-daily', body });
  const npm = npmIn(world.folder, { BACKUP_ENCRYPTION_KEY: world.keyText });
  const ran = await npm('backup:trigger', '--tenant-id=acme', '--type=db');
  assert.match(
    ran.stdout,
    /^asked the server: run \S+ of acme-daily is (queued|running|succeeded)\n$/,
    ran.stderr,
  );
  assert.doesNotMatch(ran.stderr, /no worker/);
  const id = /run (\S+)/.exec(ran.stdout)![1]!;
  assert.equal((await world.ended(owner, id)).status, 'succeeded');
  const [request] = (await owner.get('/api/v1/triggers?tenant_id=acme')).json.items;
  assert.deepEqual([request.via, request.type, request.job_id], ['cli', 'db', id]);
});

test('backup:trigger runs at once where no server is, and says so', async (t) => {
  const { npm } = await configured(t);
  const ran = await npm('backup:trigger', '--tenant-id=acme', '--type=db');
  assert.match(ran.stderr, /there is no server with this data folder: running here, at once/);
  assert.match(ran.stdout, /^backup \S+ succeeded\n/, ran.stderr);
});

test('backup:run, backup:rotate and backup:restore take what npm swallowed', async (t) => {
  const { folder, npm } = await configured(t);
  for (let i = 0; i < 2; i += 1) {
    const ran = await npm('backup:run', '--tenant-id=acme');
    assert.match(ran.stdout, /^backup \S+ succeeded\n/, ran.stderr);
  }
  const planned = await npm('backup:rotate', '--dry-run', '--tenant-id=acme');
  assert.match(planned.stdout, /would archive 1 backup, keep 1/, planned.stderr);
  const rotated = await npm('backup:rotate', '--tenant-id=acme');
  assert.match(rotated.stdout, /archived 1 backup/, rotated.stderr);
  await writeFile(join(folder, 'uploads', 'one.txt'), 'changed since');
  const asked = await npm('backup:restore', 'latest');
  assert.match(asked.stderr, /--confirm-restore/);
  assert.equal(await readFile(join(folder, 'uploads', 'one.txt'), 'utf8'), 'changed since');
  const restored = await npm('backup:restore', 'latest', '--confirm-restore');
  assert.match(restored.stdout, /restored and checked/, restored.stderr);
  assert.equal(await readFile(join(folder, 'uploads', 'one.txt'), 'utf8'), 'one');
  const rewritten = await npm('reencrypt-secrets');
  assert.match(rewritten.stdout, /^rewrote \d+ objects? /, rewritten.stderr);
});

test('with a server, the scripts work on what it has stored', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const npm = npmIn(world.folder, { BACKUP_ENCRYPTION_KEY: world.keyText });
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  assert.equal((await world.ended(owner, json.job_id)).status, 'succeeded');
  const ran = await npm('backup:run');
  assert.match(ran.stdout, /^backup \S+ succeeded\n/, ran.stderr);
  const planned = await npm('backup:rotate', '--dry-run');
  assert.match(planned.stdout, /would archive 0 backups, keep 2/, planned.stderr);
  const file = join(world.folder, 'uploads', 'one.txt');
  await writeFile(file, 'changed since');
  const restored = await npm('backup:restore', 'latest', '--confirm-restore');
  assert.match(restored.stdout, /restored and checked/, restored.stderr);
  assert.equal(await readFile(file, 'utf8'), 'one');
  const rewritten = await npm('reencrypt-secrets');
  assert.match(rewritten.stdout, /^rewrote \d+ objects? /, rewritten.stderr);
});

test('vault:dump writes the ledger of the server as five files', async (t) => {
  const world = await httpWorld(t);
  await world.withPlan(await world.owner());
  const npm = npmIn(world.folder, {});
  const ran = await npm('vault:dump', join(world.folder, 'vault'));
  assert.match(ran.stdout, /audit_vault\.ndjson {2}\d+ rows/, ran.stderr);
  assert.deepEqual((await readdir(join(world.folder, 'vault'))).sort(), [
    ...['audit_vault.ndjson', 'org_admin_reads.ndjson', 'org_admin_reads_checkpoints.ndjson'],
    ...['vault_checkpoints.ndjson', 'vault_signing_keys.ndjson'],
  ]);
});
