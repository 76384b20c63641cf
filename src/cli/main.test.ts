import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { z } from 'zod';
import { fakeEngine } from '../../test/support/fake-engine.ts';
import { fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import * as payloads from '../contracts/cli-payloads.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { Engine, EngineModule, RestoreRequest } from './engine-door.ts';
import { main } from './main.ts';

interface Setup {
  readonly engine?: ReturnType<typeof fakeEngine>;
  readonly environment?: Record<string, string>;
  readonly answers?: Partial<Engine>;
}

/** Runs a command line in a folder with `app.txt`, `uploads/` and a key file. */
async function run(t: TestContext, args: string[], setup: Setup = {}) {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'app.txt'), 'hello');
  await writeFile(join(folder, 'new.key'), 'hfk1-NEW\n', { mode: 0o600 });
  await mkdir(join(folder, 'uploads'));
  const engine = setup.engine ?? fakeEngine(setup.answers);
  const io = fakeIo({
    folder,
    loadEngine: async () => engine,
    environment: { HOLDFAST_HOME: join(folder, 'home'), ...setup.environment },
  });
  const exitCode = await main(args, io);
  return { exitCode, ...io.written, engine, folder };
}

/** The answers of the fake engine themselves. */
const fakeEngineOpened = () => fakeEngine().openEngine({} as Parameters<EngineModule['openEngine']>[0]);

const PAYLOADS: readonly (readonly [string, z.ZodType])[] = [
  ['backup app.txt uploads', payloads.backupPayload],
  ['list', payloads.listPayload],
  ['list --archived', payloads.listPayload],
  ['show latest', payloads.showPayload],
  ['show latest uploads', payloads.treePayload],
  ['restore latest --to out --confirm-restore', payloads.restorePayload],
  ['verify', payloads.verifyPayload],
  ['verify --share 10%', payloads.verifyPayload],
  ['rotate --dry-run', payloads.rotatePayload],
  ['prune', payloads.prunePayload],
  ['hold', payloads.holdListPayload],
  ['hold latest --reason x', payloads.holdPayload],
  ['hold latest --release', payloads.holdPayload],
  ['key list', payloads.keyListPayload],
  ['key generate', payloads.keyGeneratePayload],
  ['bundle export latest out.enc', payloads.bundleExportPayload],
  ['bundle open new.key out', payloads.bundleOpenPayload],
  ['bundle import new.key', payloads.bundleImportPayload],
  ['init', payloads.initPayload],
  ['doctor', payloads.doctorPayload],
  ['restore latest --to out', payloads.errorPayload],
  ['list --plam x', payloads.errorPayload],
  ['backup missing.db', payloads.errorPayload],
];

test('with --json standard output is exactly one document of the promised shape', async (t) => {
  for (const [line, schema] of PAYLOADS) {
    const engine = fakeEngine({}, { exists: line !== 'init' });
    const { stdout } = await run(t, [...line.split(' '), '--json'], { engine });
    const result = schema.safeParse(JSON.parse(stdout));
    assert.ok(result.success, `${line}: ${JSON.stringify(result.error)}\n${stdout}`);
  }
});

test('without --json a command says what it did, on standard output', async (t) => {
  const said: readonly (readonly [string, RegExp])[] = [
    [
      'backup app.txt',
      /^backup 0193a000\S+ succeeded\n[\s\S]*read 5.0 MiB, new 51 KiB, 1.0% of it, in 1.5 s\n$/,
    ],
    ['list', /2026-11-21 03:00:00 {2}9 hours ago {2}full {2}nightly {2}5\.0 MiB {2}succeeded\n1 backup\n$/],
    ['show latest', /tables of app\.sqlite {3}rows\nusers {17}1,204\nsessions {18}3\n/],
    ['show latest uploads', /0644 {2}237 KiB {2}2026-11-21 03:00:00 {2}a\.png\n.* now -> 2026\n3 entries\n$/],
    ['verify', /^good: every stored byte \(3 objects, 1 pack \(4\.9 KiB\), 1 backup, in 0 ms\)\n$/],
    [
      'rotate',
      /older than 30 days\narchived 1 backup, kept 1; holdfast undelete ID brings one back within 30 days\n$/,
    ],
    ['rotate --dry-run', /\nwould archive 1 backup, keep 1; nothing was changed\n$/],
    [
      'prune --dry-run',
      /^would be deleted: 0 packs \(0 B\)\nwould be marked, to be deleted a day later: 1 pack \(1\.0 KiB\)\nstored: 3 packs/,
    ],
    ['undelete 0193', /^backup \S+ is back\n$/],
    ['key rotate --key-file new.key', /epoch 2[\s\S]*next: set BACKUP_ENCRYPTION_KEY/],
    ['doctor', /^ok {7}key: opens the repository\n0 problems, 0 warnings\n$/],
  ];
  for (const [line, pattern] of said) {
    const { stdout, exitCode } = await run(t, line.split(' '));
    assert.match(stdout, pattern, line);
    assert.equal(exitCode, 0, line);
  }
});

test('the engine is closed after success and after failure', async (t) => {
  const failing = fakeEngine({
    list: async () => {
      throw new HoldfastError('storage_io', 'disk failed');
    },
  });
  for (const engine of [fakeEngine(), failing]) {
    await run(t, ['list'], { engine });
    assert.equal(engine.closed, engine.opened.length);
  }
});

test('exit codes tell apart what happened', async (t) => {
  const failing = (code: ConstructorParameters<typeof HoldfastError>[0]) => ({
    list: async () => {
      throw new HoldfastError(code);
    },
  });
  assert.equal((await run(t, ['list'], { answers: failing('key_wrong') })).exitCode, 5);
  assert.equal((await run(t, ['list'], { answers: failing('storage_unreachable') })).exitCode, 6);
  assert.equal((await run(t, ['bakup'])).exitCode, 2);
  assert.equal((await run(t, [])).exitCode, 2);
  assert.equal((await run(t, ['--help'])).exitCode, 0);
  const bad = { ...(await (await fakeEngineOpened()).verify({ backupId: null, share: 1 })), ok: false };
  assert.equal((await run(t, ['verify'], { answers: { verify: async () => bad } })).exitCode, 4);
  const incomplete = {
    backupId: 'x',
    status: 'incomplete',
    bytesRead: 0,
    bytesStored: 0,
    durationMs: 0,
    artifacts: [],
    problems: [],
  } as const;
  assert.equal(
    (await run(t, ['backup', 'app.txt'], { answers: { backup: async () => incomplete } })).exitCode,
    3,
  );
});

test('restore shows the plan and refuses without confirmation, nothing done', async (t) => {
  const { exitCode, stdout, stderr, engine, folder } = await run(t, ['restore', 'latest', '--to', 'my out']);
  assert.equal(exitCode, 7);
  assert.equal(stdout, '');
  assert.match(stderr, /app\.sqlite \(sqlite, 4\.8 MiB\) → .*my out, replacing what is there/);
  assert.match(stderr, /run: holdfast restore latest --to 'my out' --confirm-restore\n/);
  assert.ok(!engine.calls.some(({ name }) => name === 'restore'), `restored into ${folder}`);
});

test('without --to everything goes back to where the configuration says it came from', async (t) => {
  const config =
    'sources: { app: { kind: sqlite, path: data/app.db }, uploads: { kind: files, path: up } }\n';
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'c.yaml'), config);
  const line = ['restore', 'latest', '--config', join(folder, 'c.yaml')];
  const refused = await run(t, line);
  assert.equal(refused.exitCode, 7);
  assert.match(refused.stderr, /app\.sqlite .* → .*data\/app\.db, replacing what is there/);
  const { engine, exitCode } = await run(t, [...line, '--confirm-restore']);
  assert.equal(exitCode, 0);
  const restored = engine.calls.filter(({ name }) => name === 'restore').map(({ args }) => args[0]);
  assert.deepEqual(
    restored.map((request) => [(request as RestoreRequest).item, (request as RestoreRequest).target]),
    [
      ['app.sqlite', join(folder, 'data/app.db')],
      ['uploads', join(folder, 'up')],
    ],
  );
  assert.match((await run(t, ['restore', 'latest'])).stderr, /--to is missing, and no configuration says/);
  await writeFile(join(folder, 'c.yaml'), config.replace('uploads:', 'other:'));
  assert.match((await run(t, line)).stderr, /has no source uploads\n {2}next: name a target with --to/);
});

test('npm hands --confirm-restore over in the environment', async (t) => {
  const environment = { npm_lifecycle_event: 'backup:restore', npm_config_confirm_restore: 'true' };
  const { exitCode, engine } = await run(t, ['restore', 'latest', '--to', 'out'], { environment });
  assert.equal(exitCode, 0);
  assert.ok(engine.calls.some(({ name }) => name === 'restore'));
});

test('the first backup makes repository and key, and says where both are', async (t) => {
  const engine = fakeEngine({}, { exists: false });
  const { exitCode, stderr, folder } = await run(t, ['backup', 'app.txt'], { engine });
  assert.equal(exitCode, 0);
  const keyFile = join(folder, 'home', 'encryption.key');
  assert.equal(await readFile(keyFile, 'utf8'), 'hfk1-GENERATED\n');
  assert.match(stderr, new RegExp(`repository: ${folder}/home/repository \\(new, encrypted`));
  assert.match(stderr, new RegExp(`key: +${keyFile}\\n +copy it to a safe place away from this machine`));
  assert.doesNotMatch(stderr, /GENERATED/);
  assert.deepEqual(engine.opened.at(-1)!.keyTexts, ['hfk1-GENERATED']);
});

test('no repository is made where one was configured, and no key beside an existing repository', async (t) => {
  const missing = fakeEngine({}, { exists: false });
  const elsewhere = await run(t, ['backup', 'app.txt', '--repository', './nowhere'], { engine: missing });
  assert.equal(elsewhere.exitCode, 2);
  assert.match(
    elsewhere.stderr,
    /there is no repository at .*nowhere\n {2}next: run holdfast init, or check --repository/,
  );
  assert.ok(missing.opened.every(({ create }) => create === undefined));

  const keyless = fakeEngine();
  keyless.openEngine = async () => {
    throw new HoldfastError('key_missing');
  };
  const { exitCode, folder } = await run(t, ['backup', 'app.txt'], { engine: keyless });
  assert.equal(exitCode, 5);
  assert.ok(!existsSync(join(folder, 'home', 'encryption.key')));
});

test('init --if-missing is content with what is there, when the key opens it', async (t) => {
  const environment = { BACKUP_ENCRYPTION_KEY: 'hfk1-X' };
  const again = await run(t, ['init', '--json'], { environment });
  assert.deepEqual([again.exitCode, again.engine.closed], [2, 0]);
  const there = await run(t, ['init', '--if-missing', '--json'], { environment });
  assert.deepEqual([there.exitCode, there.engine.closed], [0, 1]);
  assert.equal(payloads.initPayload.parse(JSON.parse(there.stdout)).created, false);
  const engine = fakeEngine({}, { exists: false });
  const made = await run(t, ['init', '--if-missing', '--json'], { environment, engine });
  assert.equal(payloads.initPayload.parse(JSON.parse(made.stdout)).created, undefined);
  assert.deepEqual(
    engine.opened.map(({ create }) => create),
    [undefined, 'always'],
  );
  const foreign = fakeEngine();
  foreign.openEngine = async () => {
    throw new HoldfastError('key_wrong');
  };
  assert.equal((await run(t, ['init', '--if-missing'], { environment, engine: foreign })).exitCode, 5);
});

test('a weak passphrase is warned about when a repository is made with it', async (t) => {
  const environment = { BACKUP_ENCRYPTION_KEY: 'short' };
  const { stderr } = await run(t, ['init'], { engine: fakeEngine({}, { exists: false }), environment });
  assert.match(stderr, /warning: the passphrase is weak: it is short/);
  assert.doesNotMatch(stderr.replace('it is short', ''), /\bshort\b/);
});

test('no secret reaches an output, whatever the engine says', async (t) => {
  const leaking: Partial<Engine> = {
    warnings: ['opened with postgres://a:s3cret@h/d'],
    restore: async () => {
      throw new Error('connect postgres://a:s3cret@h/d?password=s3cret with hfk1-S3CRET failed');
    },
  };
  const line = ['restore', 'latest', '--to', 'postgres://a:s3cret@h/d', '--confirm-restore'];
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await run(t, [...line, ...more], { answers: leaking });
    assert.doesNotMatch(stdout + stderr, /s3cret/i);
  }
  const shown = await run(t, ['backup', 'postgres://a:s3cret@h/d']);
  assert.match(shown.stderr, /a password on a command line/);
  assert.doesNotMatch(shown.stdout + shown.stderr, /s3cret/);
});

test('rotate takes the rules of each plan from the configuration, or from its options', async (t) => {
  const rules = async (args: string[]) => {
    const folder = await temporaryFolder(t);
    const config = join(folder, 'c.yaml');
    await writeFile(
      config,
      'sources: { a: { kind: files, path: a } }\nplans: { nightly: { sources: [a], retention: { days: 7 } } }\n',
    );
    const { engine } = await run(t, ['rotate', '--config', config, ...args]);
    const request = engine.calls.find(({ name }) => name === 'rotate')!.args[0] as Parameters<
      Engine['rotate']
    >[0];
    return ['nightly', 'other', 'constructor', null].map((plan) => ({ ...request.rulesOf(plan) }));
  };
  assert.deepEqual(await rules([]), [{ days: 7 }, {}, {}, {}]);
  for (const rule of await rules(['--keep-last', '3'])) assert.deepEqual(rule, { keepLast: 3 });
});

test('every command has help with an example', async (t) => {
  const { stdout } = await run(t, ['--help']);
  const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) .*/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== 'help');
  assert.ok(names.length >= 14);
  assert.match((await run(t, ['table-retention', '--help'])).stdout, /Examples:/);
  assert.match((await run(t, ['table-archive', '--help'])).stdout, /Examples:/);
  for (const name of names) {
    const help = (await run(t, [name, '--help'])).stdout;
    const subcommands = [...(help.split('Commands:')[1]?.matchAll(/^ {2}([a-z][a-z-]*) .*/gm) ?? [])].map(
      (match) => match[1]!,
    );
    const texts = subcommands.length === 0 ? [help] : [];
    for (const sub of subcommands.filter((one) => one !== 'help'))
      texts.push((await run(t, [name, sub, '--help'])).stdout);
    for (const text of texts) {
      assert.match(text, /Examples:\n {2}\$ \S*.*holdfast/, name);
      assert.doesNotMatch(text, /default: \[\]/, name);
    }
  }
});
