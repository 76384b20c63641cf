/** The ledger as the command line keeps it, and its proof where there is nothing else. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { LedgerReport } from '../../src/server/ledger/proof/report.ts';
import type { Entry } from '../../src/server/ledger/proof/statements.ts';
import { type Place, place, succeeded } from '../support/cli-place.ts';
import { readDump, writeDump } from '../support/ledger-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const entriesOf = async ({ holdfast }: Place, ...more: string[]) =>
  (JSON.parse(succeeded(await holdfast(['ledger', 'list', '--json', ...more])).stdout) as Entry[]).reverse();

const doneIn = (entries: readonly Entry[]) => entries.map(({ action, outcome }) => `${action} ${outcome}`);

/** The program where it has neither a data folder nor a key nor a configuration. */
async function elsewhere(t: TestContext, here: Place) {
  const folder = await temporaryFolder(t);
  return async (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const run = await here.holdfast(args, {
      folder,
      environment: { HOLDFAST_HOME: join(folder, 'nothing'), ...environment },
    });
    const report = JSON.parse(run.stdout) as LedgerReport;
    return { status: run.status, report, stderr: run.stderr, left: await readdir(folder) };
  };
}

test('what is done is recorded, reads apart, and the dump proves itself on another machine', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  const run = async (...args: string[]) => succeeded(await holdfast(args));
  await run('backup', './app.db', './uploads');
  await run('backup', './app.db', './uploads');
  await run('hold', 'latest', '--reason', 'before the upgrade');
  await run('rotate', '--keep-last', '1');
  await run('prune', '--dry-run');
  await run('list');
  await run('restore', 'latest', '--to', './back', '--confirm-restore');
  await run('bundle', 'export', 'latest', './app.enc');
  await run('bundle', 'open', './app.enc', './opened');
  const missing = await holdfast(['restore', 'latest', 'no-such-item', '--to', './x', '--confirm-restore']);
  assert.notEqual(missing.status, 0);
  const url = 'postgres://app:hunter2secret@127.0.0.1:1/orders';
  assert.notEqual(
    (await holdfast(['restore', 'latest', 'app.db', '--to', url, '--confirm-restore'])).status,
    0,
  );

  assert.deepEqual(doneIn(await entriesOf(here)), [
    ...[
      'ledger.begin succeeded',
      'backup succeeded',
      'backup succeeded',
      'hold.place succeeded',
      'rotate succeeded',
    ],
  ]);
  const reads = doneIn(await entriesOf(here, '--reads'));
  assert.deepEqual(reads.slice(0, 4), [
    ...['ledger.begin succeeded', 'restore succeeded', 'bundle.export succeeded', 'bundle.open succeeded'],
  ]);

  const dumped = await run('ledger', 'dump', './dump', '--json');
  const { outDir, counts } = JSON.parse(dumped.stdout) as { outDir: string; counts: Record<string, number> };
  assert.equal(outDir, join(folder, 'dump'));
  assert.equal(counts.audit_vault, 6);
  assert.deepEqual(
    (await readdir(outDir)).sort(),
    Object.keys(counts)
      .map((name) => `${name}.ndjson`)
      .sort(),
  );
  for (const name of await readdir(outDir)) {
    assert.equal((await stat(join(outDir, name))).mode & 0o777, 0o600);
    assert.ok(!(await readFile(join(outDir, name), 'utf8')).includes('hunter2secret'), name);
  }

  const there = await elsewhere(t, here);
  const repository = join(home, 'repository');
  const proof = await there(['ledger', 'verify', outDir, '--anchors', repository, '--json']);
  assert.equal(proof.status, 0, JSON.stringify(proof.report));
  assert.equal(proof.report.streams[0]!.entries, 6);
  assert.ok(proof.report.anchors.agreeing >= 1);
  assert.deepEqual(
    proof.left.filter((name) => name !== '.cache'),
    [],
  );

  const [keyId] = proof.report.keys.map((key) => key.keyId);
  assert.equal((await there(['ledger', 'verify', outDir, '--key', keyId!, '--json'])).status, 0);
  const wrongPin = await there(['ledger', 'verify', outDir, '--key', 'ab'.repeat(32), '--json']);
  assert.deepEqual([wrongPin.status, wrongPin.report.problems[0]?.code], [4, 'key_not_pinned']);
});

test('a cut end is found by the anchor without a key, and by the manifests with it', async (t) => {
  const here = await place(t);
  const { folder, home, holdfast } = here;
  for (let i = 0; i < 3; i += 1) succeeded(await holdfast(['backup', './app.db']));
  succeeded(await holdfast(['ledger', 'anchor']));
  succeeded(await holdfast(['ledger', 'dump', './dump']));
  const lines = await readDump(join(folder, 'dump'));
  const cut = (length: number) =>
    writeDump(join(folder, 'cut'), {
      ...lines,
      audit_vault: lines.audit_vault.slice(0, length),
      vault_checkpoints: lines.vault_checkpoints.filter(({ seq }) => seq <= length),
    });
  const there = await elsewhere(t, here);
  const repository = join(home, 'repository');
  const verify = async (environment: Readonly<Record<string, string>>, ...more: string[]) => {
    const { status, report } = await there(
      ['ledger', 'verify', join(folder, 'cut'), '--json', ...more],
      environment,
    );
    return [status, ...report.problems.map(({ code, seq }) => `${code} ${seq}`)];
  };
  await cut(2);
  assert.deepEqual(await verify({}), [0], 'control: alone it looks whole');
  assert.deepEqual(await verify({}, '--anchors', repository), [4, 'tail_cut 3']);
  await rm(join(repository, 'anchors'), { recursive: true });
  assert.deepEqual(await verify({}, '--anchors', repository), [4, 'anchor_missing null']);
  const key = { BACKUP_ENCRYPTION_KEY_FILE: join(home, 'encryption.key') };
  assert.deepEqual(await verify(key, '--anchors', repository), [4, 'tail_cut 3']);
  // The manifest of the third backup has seen the entry of the second.
  await cut(3);
  assert.deepEqual(await verify(key, '--anchors', repository), [0]);
});

test('the key is rotated, and every entry of before stays proven', async (t) => {
  const here = await place(t);
  const { home, holdfast } = here;
  succeeded(await holdfast(['backup', './app.db']));
  const before = await readdir(join(home, 'ledger-keys'));
  succeeded(await holdfast(['ledger', 'key', 'rotate']));
  succeeded(await holdfast(['backup', './app.db']));
  const after = await readdir(join(home, 'ledger-keys'));
  assert.deepEqual([before.length, after.length], [1, 1]);
  assert.notDeepEqual(before, after);
  const report = JSON.parse(succeeded(await holdfast(['ledger', 'verify', '--json'])).stdout) as LedgerReport;
  assert.deepEqual(
    report.keys.map(({ keyId, status }) => `${keyId}.pem ${status}`),
    [`${before[0]} retired`, `${after[0]} active`],
  );
});

test('a ledger that cannot be written does not fail a backup, and is said loudly', async (t) => {
  const { home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './app.db']));
  const [file] = await readdir(join(home, 'ledger-keys'));
  await rm(join(home, 'ledger-keys', file!));
  const withoutKey = succeeded(await holdfast(['backup', './app.db', '--json']));
  assert.match(withoutKey.stderr, /warning: THIS RUN IS NOT IN THE LEDGER: none of the keys/);
  assert.equal((JSON.parse(withoutKey.stdout) as { status: string }).status, 'succeeded');
  await writeFile(
    join(home, 'catalog.db'),
    'this is no database, and it is longer than a header of one would be'.repeat(20),
  );
  const broken = succeeded(await holdfast(['backup', './app.db']));
  assert.match(broken.stderr, /NOT IN THE LEDGER: the catalog .*catalog\.db cannot be opened/);
  await chmod(join(home, 'catalog.db'), 0o600);
});

test('what reads nothing and changes nothing makes no catalog', async (t) => {
  const { home, holdfast } = await place(t);
  const run = await holdfast(['ledger', 'list', '--json']);
  assert.equal(run.status, 2);
  assert.match(run.stdout, /ledger_missing/);
  for (const args of [['--version'], ['--help'], ['ledger', '--help'], ['list'], ['doctor']])
    await holdfast(args);
  const names = await readdir(home).catch((): string[] => []);
  assert.ok(!names.includes('catalog.db') && !names.includes('ledger-keys'), names.join(' '));
});

test('who changes the catalog directly is refused by it, and found out when the triggers are gone', async (t) => {
  const { home, holdfast } = await place(t);
  succeeded(await holdfast(['backup', './app.db']));
  const database = new DatabaseSync(join(home, 'catalog.db'));
  assert.throws(() => database.exec("update audit_vault set outcome = 'failed'"), /append-only/);
  assert.throws(() => database.exec('delete from audit_vault'), /append-only/);
  database.exec(
    "drop trigger audit_vault_no_update; update audit_vault set outcome = 'failed' where seq = 2",
  );
  database.close();
  const run = await holdfast(['ledger', 'verify', '--json']);
  assert.equal(run.status, 4);
  const [problem] = (JSON.parse(run.stdout) as LedgerReport).problems;
  assert.deepEqual([problem?.code, problem?.seq], ['entry_changed', 2]);
});
