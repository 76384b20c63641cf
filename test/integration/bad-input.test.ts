/** Bad input: one clear message with the next step, the right exit code, and nothing lost or half-written. */
import assert from 'node:assert/strict';
import { chmod, chown, cp, mkdir, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { backupPayload, verifyPayload } from '../../src/contracts/cli-payloads.ts';
import { failed, fingerprint, type Place, place, succeeded } from '../support/cli-place.ts';

const SECRET = 'canary-0815-battery-staple';

/** The id of the one backup of `app.db` and `uploads`. */
async function backedUp({ holdfast }: Place): Promise<string> {
  const run = succeeded(await holdfast(['backup', './app.db', './uploads', '--json']));
  return backupPayload.parse(JSON.parse(run.stdout)).backupId;
}

interface Case {
  readonly args: readonly string[];
  readonly exit: number;
  readonly code: string;
  /** What message and next step have to name. */
  readonly names: RegExp;
  readonly next: RegExp;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs every case and checks that not one byte below the folder changed, but for the ledger. */
async function unchangedBy({ folder, holdfast }: Place, cases: readonly Case[]): Promise<void> {
  const before = await fingerprint(folder);
  const check = async ({ args, exit, code, names, next, environment = {} }: Case) => {
    const said = failed(await holdfast([...args, '--json'], { environment }), exit, code, [SECRET]);
    assert.match(said.message, names, args.join(' '));
    assert.match(said.next, next, args.join(' '));
  };
  await Promise.all(cases.map(check));
  const after = await fingerprint(folder);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    // What was tried and failed is in the ledger of the machine, and nowhere else.
    if (!/^(\.cache\/|home\/(catalog\.db|ledger-keys\/))/.test(name))
      assert.equal(after.get(name), before.get(name), name);
  }
}

test('what is missing or not understood is named, and nothing is touched', async (t) => {
  const here = await place(t);
  await backedUp(here);
  await writeFile(join(here.folder, 'broken.yaml'), 'plans: { nightly: { sources: [ap] } }\n');
  const confirmed = ['--to', 'out', '--confirm-restore'];
  await unchangedBy(here, [
    { args: ['backup', './ap.db'], exit: 1, code: 'source_missing', names: /ap\.db/, next: /app\.db/ },
    { args: ['backup', 'ftp://u:x@h/f'], exit: 2, code: 'usage', names: /ftp:\/\/u:\*\*\*@h/, next: /path/ },
    { args: ['backup', '--fast'], exit: 2, code: 'usage', names: /--fast/, next: /backup --help/ },
    {
      args: ['verify', 'latest', '--share', '9%'],
      exit: 2,
      code: 'usage',
      names: /--share/,
      next: /leave out/,
    },
    { args: ['restore', 'ffff', ...confirmed], exit: 2, code: 'id_unknown', names: /ffff/, next: /list/ },
    {
      args: ['restore', 'latest', 'ap.db', ...confirmed],
      exit: 2,
      code: 'item_unknown',
      names: /ap\.db/,
      next: /app\.db, uploads/,
    },
    {
      args: ['list', '--config', 'no.yaml'],
      exit: 2,
      code: 'config_missing',
      names: /no\.yaml/,
      next: /--config/,
    },
    {
      args: ['list', '--config', 'broken.yaml'],
      exit: 2,
      code: 'config_invalid',
      names: /broken\.yaml line 1, column \d+: .*"ap"/,
      next: /field/,
    },
    {
      args: ['list', '--repository', 'uploads'],
      exit: 2,
      code: 'repository_missing',
      names: /uploads/,
      next: /init/,
    },
    {
      args: ['list', '--repository', `nfs://u:${SECRET}@h/`],
      exit: 2,
      code: 'usage',
      names: /nfs/,
      next: /folder/,
    },
    {
      args: ['bundle', 'open', 'no.enc', 'out'],
      exit: 1,
      code: 'source_missing',
      names: /no\.enc/,
      next: /path/,
    },
    {
      args: ['bundle', 'open', 'app.db', 'out'],
      exit: 4,
      code: 'bundle_malformed',
      names: /app\.db/,
      next: /another copy/,
    },
    {
      args: ['backup', 'app.db'],
      environment: { HOLDFAST_MINIMUM_FREE_BYTES: '9e9' },
      exit: 2,
      code: 'usage',
      names: /HOLDFAST_MINIMUM_FREE_BYTES/,
      next: /whole number/,
    },
  ]);
});

test('a missing, damaged, unreadable or wrong key opens nothing and changes nothing', async (t) => {
  const here = await place(t);
  await backedUp(here);
  const key = (await readFile(join(here.home, 'encryption.key'), 'utf8')).trim();
  await writeFile(join(here.folder, 'empty.key'), '\n');
  const wrong = `hfk1-${'0'.repeat(8)}`;
  const given = (text: string) => ({ environment: { BACKUP_ENCRYPTION_KEY: text } });
  const file = (path: string) => ({ environment: { BACKUP_ENCRYPTION_KEY_FILE: path } });
  const shared = { exit: 5, next: /key|BACKUP_ENCRYPTION_KEY|printed copy/ };
  await unchangedBy(here, [
    {
      ...shared,
      ...given(SECRET),
      args: ['backup', 'app.db'],
      code: 'key_wrong',
      names: /needs key [0-9a-f]{16}/,
    },
    {
      ...shared,
      ...given(SECRET),
      args: ['restore', 'latest', '--to', 'out', '--confirm-restore'],
      code: 'key_wrong',
      names: /needs key/,
    },
    {
      ...shared,
      ...given(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`),
      args: ['list'],
      code: 'key_malformed',
      names: /checksum/,
    },
    { ...shared, ...given(wrong), args: ['list'], code: 'key_malformed', names: /key text/ },
    { ...shared, ...file('no.key'), args: ['list'], code: 'key_missing', names: /no\.key does not exist/ },
    { ...shared, ...file('empty.key'), args: ['list'], code: 'key_missing', names: /empty\.key is empty/ },
    { ...shared, ...file('uploads'), args: ['list'], code: 'key_missing', names: /uploads cannot be read/ },
  ]);
});

const ROOT = process.getuid?.() === 0;
const NOBODY = 65534;

/** The place handed to a user without special rights: root could read everything. */
async function asOrdinary(here: Place): Promise<Place> {
  if (!ROOT) return here;
  const entries = await readdir(here.folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  for (const path of [here.folder, ...paths]) await chown(path, NOBODY, NOBODY);
  return { ...here, holdfast: (args, options) => here.holdfast(args, { uid: NOBODY, ...options }) };
}

test('what may not be read or written is named; the rest of a tree is stored as incomplete', async (t) => {
  const plain = await place(t);
  const here = await asOrdinary(plain);
  const { folder, home, holdfast } = here;
  const id = await backedUp(here);
  await chmod(join(folder, 'app.db'), 0);
  await mkdir(join(folder, 'locked'), { mode: 0 });
  if (ROOT) await chown(join(folder, 'locked'), NOBODY, NOBODY);
  const denied = await holdfast(['backup', './app.db', '--json']);
  assert.match(failed(denied, 1, 'source_denied').message, /app\.db/);
  const outside = ['restore', 'latest', '--to', 'locked/out', '--confirm-restore', '--json'];
  assert.match(failed(await holdfast(outside), 1, 'target_failed').message, /locked/);
  assert.match(
    failed(await holdfast(['backup', './locked', '--json']), 1, 'source_denied').message,
    /locked/,
  );

  await chmod(join(folder, 'uploads', 'logo.png'), 0);
  const partial = await holdfast(['backup', './uploads', '--json']);
  assert.equal(partial.status, 3, partial.stderr);
  const { status, problems } = backupPayload.parse(JSON.parse(partial.stdout));
  assert.deepEqual(
    [status, problems.map(({ path, cause }) => [path, cause])],
    ['incomplete', [['logo.png', 'denied']]],
  );

  await chmod(join(home, 'repository'), 0);
  assert.match(failed(await holdfast(['list', '--json']), 6, 'storage_denied').message, /repository|config/);
  await chmod(join(home, 'repository'), 0o700);
  await chmod(join(home, 'encryption.key'), 0);
  assert.match(
    failed(await holdfast(['list', '--json']), 5, 'key_missing').message,
    /encryption\.key cannot be read/,
  );
  await chmod(join(home, 'encryption.key'), 0o600);
  succeeded(await holdfast(['verify']));
  succeeded(await holdfast(['restore', id, '--to', 'out', '--confirm-restore']));
});

test('a source that is cut, empty, no file at all, or goes round in a circle', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const whole = await readFile(join(folder, 'app.db'));
  await writeFile(join(folder, 'cut.db'), whole.subarray(0, 5000));
  await writeFile(join(folder, 'head.db'), whole.subarray(0, 16));
  await symlink('loop', join(folder, 'loop'));
  const database = new DatabaseSync(join(folder, 'bare.db'));
  database.exec('pragma user_version = 7; vacuum');
  database.close();
  await writeFile(join(folder, 'new.sqlite'), '');
  succeeded(await holdfast(['backup', './bare.db', './new.sqlite']));
  await unchangedBy(here, [
    { args: ['backup', './cut.db'], exit: 1, code: 'source_damaged', names: /cut\.db/, next: /repair/ },
    { args: ['backup', './head.db'], exit: 1, code: 'source_damaged', names: /head\.db/, next: /files/ },
    { args: ['backup', './loop'], exit: 1, code: 'source_failed', names: /loop/, next: /.../ },
  ]);
  succeeded(await holdfast(['restore', 'latest', '--to', 'out', '--confirm-restore']));
  const back = new DatabaseSync(join(folder, 'out', 'bare.db'), { readOnly: true });
  assert.deepEqual({ ...back.prepare('pragma user_version').get() }, { user_version: 7 });
  back.close();
});

/** Flips one bit in the middle of every file below a folder of the repository. */
async function damage(repository: string, part: string): Promise<string[]> {
  const entries = await readdir(join(repository, part), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files) {
    await chmod(file, 0o600);
    const handle = await open(file, 'r+');
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size >> 1);
    await handle.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, size >> 1);
    await handle.close();
  }
  return files;
}

test('a damaged pack, backup, keyring or configuration of the repository is told by name, never restored', async (t) => {
  const { folder, home, holdfast } = await place(t);
  await backedUp({ folder, home, holdfast });
  const repository = join(home, 'repository');
  const good = join(folder, 'good');
  await cp(repository, good, { recursive: true });
  const restore = ['restore', 'latest', '--to', 'out', '--confirm-restore', '--json'];
  const attempt = async (part: string, restoreCode: RegExp) => {
    const files = await damage(repository, part);
    assert.ok(files.length > 0, part);
    const verified = await holdfast(['verify', '--json']);
    assert.equal(verified.status, 4, `${part}: ${verified.stderr}`);
    const run = await holdfast(restore);
    const code = String(JSON.parse(run.stdout).error?.code);
    assert.match(code, restoreCode, part);
    const said = failed(run, run.status!, code);
    assert.ok([2, 4].includes(run.status!), `${part}: ${run.stderr}`);
    assert.match(said.next, /verify|show|list|docs/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => /out|restoring|part/.test(name)),
      [],
      part,
    );
    await rm(repository, { recursive: true });
    await cp(good, repository, { recursive: true });
    return verified;
  };
  const packs = await attempt('packs', /object_damaged|chunk_missing/);
  assert.equal(verifyPayload.parse(JSON.parse(packs.stdout)).affected.length, 1);
  await attempt('backups', /id_unknown|object_damaged|manifest_forged/);
  await attempt('keyrings', /object_damaged/);
  succeeded(await holdfast(['verify']));

  const config = join(repository, 'config');
  await chmod(config, 0o600);
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('"format":1', '"format":2').replace('"format": 1', '"format": 2'));
  const newer = failed(await holdfast(['backup', './uploads', '--json']), 1, 'repository_newer');
  assert.match(newer.next, /update/);
  await writeFile(config, text.slice(0, 20));
  failed(await holdfast(['backup', './uploads', '--json']), 4, 'object_damaged');
  await writeFile(config, text);
  succeeded(await holdfast(['verify']));
});
