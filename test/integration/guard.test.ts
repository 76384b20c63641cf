import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { guardPayload } from '../../src/contracts/guard-payload.ts';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { failed, fingerprint, type Place, place, succeeded } from '../support/cli-place.ts';
import { leftOver } from '../support/leftover-processes.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

/** Types what guard said, in a shell that knows `holdfast`. */
async function typeIn(at: Place, commands: readonly string[]): Promise<void> {
  const bin = join(at.folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'holdfast'), `#!/bin/sh\nexec ${process.execPath} ${BIN} "$@"\n`);
  await chmod(join(bin, 'holdfast'), 0o755);
  for (const command of commands) {
    const run = spawnSync('/bin/sh', ['-c', command], {
      cwd: at.folder,
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env.PATH}`, HOLDFAST_HOME: at.home, HOME: at.folder },
    });
    assert.equal(run.status, 0, `${command}\n${run.stderr}`);
  }
}

/** The lines to type among what guard said: indented, and no remark. */
const typed = (stderr: string) =>
  stderr
    .slice(stderr.indexOf('to go back'))
    .match(/^ {2}(?!#).+$/gm)!
    .map((line) => line.trim());

const users = (folder: string) => {
  const database = new DatabaseSync(join(folder, 'app.db'), { readOnly: true });
  try {
    return database
      .prepare('select * from users order by id')
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
};

test('a command that succeeds: backup first, its output and exit code, nothing else on standard output', async (t) => {
  const at = await place(t);
  const run = succeeded(
    await at.holdfast([
      'guard',
      '--source',
      './app.db',
      './uploads',
      '--',
      'sh',
      '-c',
      'echo migrated; ls home/repository >&2',
    ]),
  );
  assert.equal(run.stdout, 'migrated\n');
  // The repository was there when the command ran.
  assert.match(run.stderr, /^backups$/m);
  assert.match(run.stderr, /backup [0-9a-f-]+ succeeded/);
  assert.doesNotMatch(run.stderr, /to go back/);
  const listed = JSON.parse(succeeded(await at.holdfast(['list', '--json'])).stdout) as unknown[];
  assert.equal(listed.length, 1);
});

test('a migration that breaks files and database: what guard says brings back every byte', async (t) => {
  const at = await place(t);
  const rows = users(at.folder);
  const files = await fingerprint(join(at.folder, 'uploads'));
  await writeFile(
    join(at.folder, 'migrate.sh'),
    `sqlite3 app.db 'delete from users' 2>/dev/null || ${process.execPath} -e "new (require('node:sqlite').DatabaseSync)('app.db').exec('delete from users')"
    rm uploads/logo.png; echo broken > uploads/2026/empty; exit 7`,
  );
  const run = await at.holdfast(['guard', '--source', './app.db', './uploads', '--', 'sh', 'migrate.sh']);
  assert.equal(run.status, 7, run.stderr);
  assert.match(run.stderr, /sh migrate\.sh failed with exit code 7/);
  assert.deepEqual(users(at.folder), []);
  await typeIn(at, typed(run.stderr));
  assert.deepEqual(users(at.folder), rows);
  assert.deepEqual(await fingerprint(join(at.folder, 'uploads')), files);
});

test('a PostgreSQL migration that fails: the database comes back under its name, the broken one is kept, and comes back too', async (t) => {
  const at = await place(t);
  const url = await cluster.createDatabase('guarded');
  const sql = (text: string, database = url) => {
    const run = spawnSync('psql', [database, '-AtXq', '-v', 'ON_ERROR_STOP=1', '-c', text], {
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout.trim();
  };
  sql(
    'create table orders (id int primary key, total numeric); insert into orders select i, i * 1.5 from generate_series(1, 500) i',
  );
  const sum = sql('select sum(total) from orders');
  const migrate = `psql '${url}' -Xq -v ON_ERROR_STOP=1 -c 'update orders set total = 0' -c 'alter table missing add column x int'`;
  const run = await at.holdfast(['guard', '--json', '--source', url, '--', 'sh', '-c', migrate]);
  assert.equal(run.status, 1, run.stderr);
  const { wayBack, command, backup } = guardPayload.parse(JSON.parse(run.stdout));
  assert.deepEqual([command.status, command.exitCode, backup.status], ['failed', 1, 'succeeded']);
  await typeIn(
    at,
    wayBack.flatMap(({ commands }) => commands),
  );
  assert.equal(sql('select sum(total) from orders'), sum);
  const { undo } = wayBack[0]!;
  assert.match(undo!, /^holdfast restore switch-back /);
  await typeIn(at, [undo!]);
  assert.equal(sql('select sum(total) from orders'), '0', 'what the migration left is back');
});

test('no backup, no command', async (t) => {
  const at = await place(t);
  const run = await at.holdfast(['guard', '--json', '--source', './nothing.db', '--', 'touch', 'ran']);
  failed(run, 1, 'source_missing');
  await assert.rejects(readFile(join(at.folder, 'ran')), { code: 'ENOENT' });
  failed(await at.holdfast(['guard', '--json', '--source', './app.db']), 2, 'usage');
  failed(
    await at.holdfast(['guard', '--json', '--plan', 'a', '--source', './app.db', '--', 'true']),
    2,
    'usage',
  );
});

test('a command that does not exist, and one that a signal ends', async (t) => {
  const at = await place(t);
  const missing = await at.holdfast(['guard', '--source', './app.db', '--', './no-such-program']);
  assert.equal(missing.status, 127);
  assert.match(missing.stderr, /could not be started: it was not found\nto go back/);
  const killed = await at.holdfast(['guard', '--source', './app.db', '--', 'sh', '-c', 'kill -9 $$']);
  assert.equal(killed.status, 137);
  assert.match(killed.stderr, /was ended by SIGKILL\nto go back/);
});

test('the command sees the environment without keys of backups, unless they are wanted', async (t) => {
  const at = await place(t);
  const environment = {
    BACKUP_ENCRYPTION_KEY: 'canary-current-key-of-backups',
    BACKUP_ENCRYPTION_KEY_OLD: 'canary-old-key-of-backups',
    NIGHTLY_KEY: 'canary-key-of-a-destination',
    DATABASE_PASSWORD: 'of the application',
  };
  await writeFile(
    join(at.folder, 'holdfast.yaml'),
    'destinations: {main: {address: ./repo, keys: {current: {env: NIGHTLY_KEY}}}}\nsources: {app: {kind: sqlite, path: app.db}}\nplans: {nightly: {sources: [app]}}\n',
  );
  succeeded(await at.holdfast(['init'], { environment }));
  const seen = succeeded(await at.holdfast(['guard', '--', 'env'], { environment }));
  assert.match(seen.stdout, /^DATABASE_PASSWORD=of the application$/m);
  assert.doesNotMatch(`${seen.stdout}${seen.stderr}`, /canary/);
  const wanted = succeeded(await at.holdfast(['guard', '--with-keys', '--', 'env'], { environment }));
  assert.match(wanted.stdout, /^NIGHTLY_KEY=canary-key-of-a-destination$/m);
});

test('SIGTERM goes on to the command, and the way back is said', async (t) => {
  const at = await place(t);
  const marker = `guarded-${process.pid}`;
  const run = await at.holdfast(
    [
      'guard',
      '--source',
      './app.db',
      '--',
      'sh',
      '-c',
      `trap 'kill $!; echo stopped; exit 5' TERM; echo ${marker}; sleep 600 & wait`,
    ],
    {
      onStart: (child) => {
        void once(child.stdout!, 'data').then(() => child.kill('SIGTERM'));
      },
    },
  );
  assert.equal(run.status, 5, run.stderr);
  assert.match(run.stdout, /stopped/);
  assert.match(run.stderr, /to go back/);
  assert.deepEqual(await leftOver(marker), []);
});

test('hooks of a plan run around holdfast backup; a failed after-hook is shown and counts', async (t) => {
  const at = await place(t);
  const yaml = (afterHook: string) => `
destinations: {main: {address: ./repo}}
sources: {app: {kind: sqlite, path: app.db}}
plans:
  nightly:
    sources: [app]
    hooks:
      before:
        - command: [sh, -c, 'echo "$HOLDFAST_HOOK $HOLDFAST_PLAN $APP_MODE" >> hooks.log']
          environment: [APP_MODE]
      after:
        - shell: ${afterHook}
`;
  const write = (afterHook: string) => writeFile(join(at.folder, 'holdfast.yaml'), yaml(afterHook));
  await write('echo "$HOLDFAST_HOOK $HOLDFAST_STATUS $HOLDFAST_BACKUP_ID" >> hooks.log');
  const environment = { APP_MODE: 'live', BACKUP_ENCRYPTION_KEY: generateKeyText() };
  succeeded(await at.holdfast(['init'], { environment }));
  const made = JSON.parse(succeeded(await at.holdfast(['backup', '--json'], { environment })).stdout) as {
    backupId: string;
  };
  const log = join(at.folder, 'hooks.log');
  assert.equal(await readFile(log, 'utf8'), `before nightly live\nafter succeeded ${made.backupId}\n`);
  await write('echo cannot leave read-only mode >&2; exit 1');
  const run = await at.holdfast(['backup', '--json'], { environment });
  assert.equal(run.status, 3, run.stderr);
  const { status, hookProblems } = JSON.parse(run.stdout) as {
    status: string;
    hookProblems: { code: string; message: string }[];
  };
  assert.equal(status, 'succeeded');
  assert.equal(hookProblems[0]!.code, 'hook_failed');
  assert.match(hookProblems[0]!.message, /cannot leave read-only mode/);
  // An application that stays in read-only mode is no ground for a migration.
  const refused = await at.holdfast(['guard', '--json', '--', 'touch', 'ran'], { environment });
  assert.equal((JSON.parse(refused.stdout) as { error: { code: string } }).error.code, 'hook_failed');
  assert.ok(!existsSync(join(at.folder, 'ran')));
  await rm(log);
  await writeFile(join(at.folder, 'app.db'), 'this is no database');
  await write('echo "$HOLDFAST_STATUS $HOLDFAST_ERROR_CODE" >> hooks.log');
  assert.notEqual((await at.holdfast(['backup'], { environment })).status, 0);
  assert.match(await readFile(log, 'utf8'), /^before nightly live\nfailed source_\w+\n$/);
});
