/** The recovery kit: what it holds, what it never holds, and that its own instructions bring everything back on a bare machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { kitPayload } from '../../src/contracts/kit-payload.ts';
import { type Place, place, succeeded } from '../support/cli-place.ts';
import { ensureCryptography, NODE_DECODER, PYTHON_DECODER } from '../support/decoders.ts';
import { assertSameTree, describeTree } from '../support/describe-tree.ts';
import { startCluster } from '../support/postgres-cluster.ts';
import { makeUploads } from '../support/recovery-fixture.ts';
import { type Language, runPage } from '../support/recovery-page.ts';
import { startSshd } from '../support/sshd.ts';

const LANGUAGES: readonly Language[] = ['node', 'python'];
const isExport = (line: string) => line.startsWith('export ');
const isDecode = (line: string) => line.startsWith('decode ');

async function makeKit({ holdfast, folder }: Place, ...more: string[]) {
  const run = succeeded(await holdfast(['kit', './kit', '--json', ...more]));
  return { kit: join(folder, 'kit'), run, payload: kitPayload.parse(JSON.parse(run.stdout)) };
}

/** Every regular file and folder below, with its permission bits. */
function modesOf(folder: string): string[] {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  const kinds = paths
    .map((path) => fs.statSync(path))
    .map((stat) => `${stat.isDirectory() ? 'd' : 'f'}${(stat.mode & 0o7777).toString(8)}`);
  return [...new Set(kinds)].sort();
}

/** Where nothing of the machine that made the backups is left but the backups and the kit. */
function goBare({ home }: Place, ...kept: string[]): void {
  for (const name of fs.readdirSync(home)) {
    if (!kept.includes(name)) fs.rmSync(join(home, name), { recursive: true });
  }
}

test('cold recovery: kit, key and repository bring back databases and files, by the kit’s own commands', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const url = await cluster.createDatabase('shop');
  await cluster.psql(
    `create table orders as select i as id, md5(i::text) as body from generate_series(1, 8000) i`,
    'shop',
  );
  fs.rmSync(join(folder, 'uploads'), { recursive: true });
  makeUploads(join(folder, 'uploads'));
  const sources = ['./app.db', './uploads', url];
  succeeded(await holdfast(['backup', ...sources]));
  await cluster.psql(`update orders set body = body || '!' where id % 97 = 0`, 'shop');
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec(`update users set name = 'changed' where id = 7`);
  database.close();
  succeeded(await holdfast(['backup', ...sources]));
  const { kit, payload } = await makeKit(here);
  assert.equal(payload.key, 'none');
  succeeded(await holdfast(['restore', 'latest', '--to', './expected', '--confirm-restore']));
  const key = fs.readFileSync(join(home, 'encryption.key'), 'utf8');
  goBare(here, 'repository');

  for (const language of LANGUAGES) {
    const run = runPage(kit, language, isDecode, { BACKUP_ENCRYPTION_KEY: key });
    assert.equal(run.status, 0, run.stderr + run.stdout);
    assert.match(
      run.stdout,
      /2 backups\n1 backups: every byte is good\nbackup .* opened in .*: checksums and signature good\n/,
    );
    const opened = join(kit, 'opened');
    const ignoreTimes = (path: string) => !path.includes('/');
    assertSameTree(describeTree(opened), describeTree(join(folder, 'expected')), { ignoreTimes });
    assert.match(
      execFileSync(`${cluster.binFolder}/pg_restore`, ['--list', join(opened, 'db.dump')], {
        encoding: 'utf8',
      }),
      /TABLE DATA public orders/,
    );
    fs.rmSync(opened, { recursive: true });
  }
});

test('a kit without a key holds no secret of any kind, and says what it is', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  const config = `destinations: { main: { address: ./main } }
sources: { orders: { kind: postgres, url: 'postgres://app:\${DB_PASSWORD}@db/orders' }, files: { kind: files, path: ./uploads } }
plans: { nightly: { sources: [files] } }
`;
  fs.writeFileSync(join(folder, 'holdfast.yaml'), config);
  const environment = { DB_PASSWORD: 'canary-password', S3_SECRET_ACCESS_KEY: 'canary-secret' };
  const run = (args: string[]) => holdfast(args, { environment });
  succeeded(await run(['init']));
  succeeded(await run(['backup', 'nightly']));
  const made = succeeded(await run(['kit', './kit', '--zip', './kit.zip']));
  assert.match(made.stdout, /it holds no key: keep the key apart from it/);
  const kit = join(folder, 'kit');
  assert.deepEqual(modesOf(kit), ['d700', 'f600']);
  assert.equal(fs.statSync(join(folder, 'kit.zip')).mode & 0o777, 0o600);
  assert.deepEqual(fs.readdirSync(kit).sort(), [
    ...[
      'FORMAT.md',
      'RECOVERY.md',
      'holdfast-decode.mjs',
      'holdfast.yaml',
      'holdfast_decode.py',
      'kit.json',
      'signers.json',
    ],
  ]);
  for (const [name, original] of [
    ['holdfast-decode.mjs', NODE_DECODER],
    ['holdfast_decode.py', PYTHON_DECODER],
  ] as const) {
    assert.ok(fs.readFileSync(join(kit, name)).equals(fs.readFileSync(original)));
  }
  const key = fs.readFileSync(join(home, 'encryption.key'), 'utf8').trim();
  const signing = fs.readFileSync(join(home, 'signing-key.pem'), 'utf8').split('\n')[1]!;
  for (const name of fs.readdirSync(kit)) {
    const text = fs.readFileSync(join(kit, name), 'utf8');
    for (const secret of [key, key.slice(5, 30), signing, 'canary-password', 'canary-secret']) {
      assert.ok(!text.includes(secret), `${name} holds a secret`);
    }
  }
  assert.match(fs.readFileSync(join(kit, 'RECOVERY.md'), 'utf8'), /This kit holds no key/);
});

test('a kit with the key says so loudly, and opens everything by itself, also out of the zip', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  succeeded(await holdfast(['backup', './app.db', './uploads']));
  const said = succeeded(await holdfast(['kit', './kit', '--zip', './kit.zip', '--with-key'])).stdout;
  assert.match(said, /IT HOLDS THE KEY: whoever has it and a copy of the backups reads everything/);
  const kit = join(folder, 'kit');
  assert.match(fs.readFileSync(join(kit, 'RECOVERY.md'), 'utf8'), /THIS KIT HOLDS THE KEY/);
  assert.deepEqual(modesOf(kit), ['d700', 'f600']);
  goBare(here, 'repository');
  for (const language of LANGUAGES) {
    const run = runPage(kit, language, (line) => isExport(line) || isDecode(line));
    assert.equal(run.status, 0, run.stderr);
    fs.rmSync(join(kit, 'opened'), { recursive: true });
  }
  const unzip = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])';
  execFileSync(ensureCryptography(), ['-c', unzip, join(folder, 'kit.zip'), join(folder, 'unzipped')]);
  const content = (root: string) => describeTree(root).map(({ path, sha256 }) => `${path} ${sha256}`);
  assert.deepEqual(content(join(folder, 'unzipped/kit')), content(kit));
  // Holdfast itself reads the printed key as well.
  const environment = { BACKUP_ENCRYPTION_KEY_FILE: join(kit, 'KEY.txt') };
  assert.match(succeeded(await holdfast(['list'], { environment })).stdout, /app\.db|1 backup|full/);
});

test('a wrapped key opens only with the passphrase of the kit, and copies of key slots stand in for lost ones', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  const passphrase = 'seven wrapped foxes under a kit';
  fs.writeFileSync(join(folder, 'words'), passphrase, { mode: 0o600 });
  succeeded(await holdfast(['backup', './uploads']));
  const { kit, payload } = await makeKit(here, '--with-key', '--kit-passphrase-file', './words');
  assert.equal(payload.key, 'wrapped');
  const key = fs.readFileSync(join(home, 'encryption.key'), 'utf8').trim();
  const all = describeTree(kit).filter(({ type }) => type === 'file');
  for (const { path } of all) assert.ok(!fs.readFileSync(join(kit, path), 'latin1').includes(key), path);
  goBare(here, 'repository');
  for (const name of ['keys', 'keyrings', 'signers'])
    fs.rmSync(join(home, 'repository', name), { recursive: true });
  for (const language of LANGUAGES) {
    const wanted = (line: string) => line.startsWith('export BACKUP') || isDecode(line);
    const environment = { HOLDFAST_KIT_PASSPHRASE: passphrase };
    const lost = runPage(kit, language, wanted, environment);
    assert.notEqual(lost.status, 0);
    assert.match(lost.stderr, /there is no key slot/);
    // As the page says for that message.
    const page = fs.readFileSync(join(kit, 'RECOVERY.md'), 'utf8');
    fs.writeFileSync(
      join(kit, 'RECOVERY.md'),
      page.replaceAll('--signers signers.json', '--signers signers.json --kit .'),
    );
    const run = runPage(kit, language, wanted, environment);
    fs.writeFileSync(join(kit, 'RECOVERY.md'), page);
    assert.equal(run.status, 0, run.stderr);
    fs.rmSync(join(kit, 'opened'), { recursive: true });
    const wrong = runPage(kit, language, wanted, { HOLDFAST_KIT_PASSPHRASE: `${passphrase}!` });
    assert.equal(wrong.status, 5);
  }
});

test('one kit tells of every destination, repositories and bundles, and opens them', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const config = `destinations:
  main: { address: ./main }
  safe: { address: ./bundles, layout: bundles }
sources: { uploads: { kind: files, path: ./uploads } }
plans:
  one: { sources: [uploads], destination: main }
  two: { sources: [uploads], destination: safe }
`;
  fs.writeFileSync(join(folder, 'holdfast.yaml'), config);
  succeeded(await holdfast(['init', '--destination', 'main']));
  for (const plan of ['one', 'two']) succeeded(await holdfast(['backup', plan]));
  const { kit, payload } = await makeKit(here, '--with-key');
  assert.deepEqual(
    payload.destinations.map(({ backups, repositoryId }) => [backups, repositoryId !== null]),
    [
      [1, true],
      [1, false],
    ],
  );
  for (const language of LANGUAGES) {
    const run = runPage(kit, language, (line) => isExport(line) || isDecode(line));
    assert.equal(run.status, 0, run.stderr);
    for (const opened of ['opened-1', 'opened-2']) {
      assert.equal(fs.readFileSync(join(kit, opened, 'uploads/2026/Grüße.txt'), 'utf8'), 'hello');
      fs.rmSync(join(kit, opened), { recursive: true });
    }
  }
});

test('what lies on an SFTP server is fetched by the line in the instructions', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const server = await startSshd(t);
  const login = { SFTP_PRIVATE_KEY_FILE: join(server.base, 'login-key'), SFTP_HOST_KEY: server.fingerprint };
  const environment = { ...login, HOLDFAST_REPOSITORY: server.addressOf('my backups') };
  const run = (args: string[]) => holdfast(args, { environment });
  succeeded(await run(['init']));
  succeeded(await run(['backup', './uploads']));
  succeeded(await run(['kit', './kit', '--with-key']));
  const kit = join(folder, 'kit');
  // The operator's own ssh set-up, which no page can know.
  const bin = join(folder, 'bin');
  fs.mkdirSync(bin);
  const options = `-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i ${join(server.base, 'login-key')}`;
  fs.writeFileSync(join(bin, 'sftp'), `#!/bin/sh\nexec /usr/bin/sftp ${options} "$@"\n`, { mode: 0o755 });
  const isWanted = (line: string) => isExport(line) || isDecode(line) || line.startsWith('sftp ');
  const page = runPage(kit, 'node', isWanted, { PATH: `${bin}:/usr/bin:/bin` });
  assert.equal(page.status, 0, page.stderr + page.stdout);
  assert.equal(fs.readFileSync(join(kit, 'opened/uploads/2026/Grüße.txt'), 'utf8'), 'hello');
});
