/** The command line as a process: streams, exit codes, npm. Little here needs a repository. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('--version is the version of the package, alone on standard output', async (t) => {
  const folder = await temporaryFolder(t);
  const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { version: string };
  for (const args of [['--version'], ['-V'], ['--version', '--json']]) {
    const run = await runCli(args, { folder });
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, `${version}\n`, '']);
  }
});

test('what was mistyped is answered with a suggestion and exit code 2, nothing on standard output', async (t) => {
  const folder = await temporaryFolder(t);
  const cases: [string[], RegExp][] = [
    [
      ['bakup'],
      /^holdfast: unknown command 'bakup', did you mean backup\?\n {2}next: see holdfast --help\n$/,
    ],
    [
      ['verify', '--shares', '1'],
      /unknown option '--shares', did you mean --share\?\n {2}next: see holdfast verify --help\n$/,
    ],
    [['show'], /^holdfast: <id> is missing\n/],
    [['key', 'retire', 'not a key'], /^holdfast: this is not a key id\n/],
  ];
  for (const [args, message] of cases) {
    const run = await runCli(args, { folder });
    assert.equal(run.status, 2, args.join(' '));
    assert.equal(run.stdout, '');
    assert.match(run.stderr, message);
  }
});

/** Makes a process name every module it loads. */
const NAME_MODULES = `--import=data:text/javascript,${encodeURIComponent(
  "import { registerHooks } from 'node:module'; import { writeSync } from 'node:fs';" +
    "registerHooks({ load(url, context, next) { writeSync(2, 'loads ' + url + '\\n'); return next(url, context); } });",
)}`;

test('help and a mistake load no engine and make no data folder', async (t) => {
  const folder = await temporaryFolder(t);
  const heavy = /loads .*(engine\/(index|repository|crypto|storage)|node_modules\/(zod|yaml|pg)\/)/;
  const environment = { NODE_OPTIONS: NAME_MODULES, HOLDFAST_HOME: `${folder}/home` };
  for (const args of [['--help'], ['backup', '--help'], ['bakup']]) {
    const run = await runCli(args, { folder, environment });
    assert.match(run.stderr, /loads .*src\/cli\/main\.ts/);
    assert.doesNotMatch(run.stderr, heavy);
  }
  assert.match(
    (await runCli(['config', 'schema'], { folder, environment })).stderr,
    heavy,
    'the check sees nothing',
  );
  await assert.rejects(access(`${folder}/home`), { code: 'ENOENT' });
});

test('a reader that goes away is no error', async (t) => {
  const folder = await temporaryFolder(t);
  const { promise, resolve } = Promise.withResolvers<[number | null, string]>();
  const child = spawn(process.execPath, [`${root}/bin/holdfast.js`, 'config', 'schema'], {
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.on('close', (status) => resolve([status, stderr]));
  assert.deepEqual(await promise, [0, '']);
});

/** Makes the first process believe that it is an old Node; the one it starts is itself again. */
const OLD_NODE = `--import=data:text/javascript,${encodeURIComponent(
  "delete process.env.NODE_OPTIONS; Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });",
)}`;

test('on an old Node the one that came with the package runs, and its exit code is passed on', async (t) => {
  const folder = await temporaryFolder(t);
  const environment = { NODE_OPTIONS: OLD_NODE };
  const mistyped = await runCli(['bakup'], { folder, environment });
  assert.deepEqual([mistyped.status, mistyped.signal], [2, null]);
  assert.match(mistyped.stderr, /^holdfast: unknown command 'bakup'/);
  const schema = await runCli(['config', 'schema', '--json'], { folder, environment });
  assert.equal(schema.status, 0);
  assert.equal(JSON.parse(schema.stdout).title, 'holdfast.yaml');
});

/** Runs an npm script as an operator would, in `folder`'s own data folder. */
function npmRun(folder: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)('npm', ['run', '--silent', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: `${folder}/home` },
  }).catch((error: { stdout: string; stderr: string }) => error);
}

test('npm run hands flags over with and without its separator', async (t) => {
  const folder = await temporaryFolder(t);
  const npm = async (args: readonly string[]) => (await npmRun(folder, args)).stderr;
  for (const separator of [[], ['--']]) {
    assert.match(await npm(['backup:run', ...separator, 'no-file']), /^holdfast: no-file does not exist\n/);
    assert.match(await npm(['backup:trigger', ...separator, 'x', '--type=all']), /'all' is invalid/);
  }
  assert.match(
    await npm(['backup:restore', 'latest', '--to', '/safe', '--confirm-restore']),
    /npm took --to/,
  );
  assert.match(
    await npm(['backup:trigger', '--tenant-id', 't1']),
    /npm took --tenant-id .*\n.*-- --tenant-id/,
  );
});

test('the npm scripts back up, rotate and restore with an operator’s habits', async (t) => {
  const folder = await temporaryFolder(t);
  const file = `${folder}/letter.txt`;
  await writeFile(file, 'dear operator');
  const triggered = await npmRun(folder, ['backup:trigger', file, '--tenant-id=t1', '--type=storage']);
  assert.match(triggered.stdout, /^backup \S+ succeeded\n/, triggered.stderr);
  const rotated = await npmRun(folder, ['backup:rotate', '--dry-run', '--tenant-id=t1', '--keep-last=1']);
  assert.match(rotated.stdout, /one of the last 1 .*\nwould archive 0 backups, keep 1/s);
  const restored = ['backup:restore', 'latest', '--confirm-restore', '--', '--to', `${folder}/out`];
  assert.match((await npmRun(folder, restored)).stdout, /1 item restored/);
  assert.equal(await readFile(`${folder}/out/letter.txt`, 'utf8'), 'dear operator');
  const rewritten = await npmRun(folder, ['reencrypt-secrets', '--json']);
  assert.equal(typeof JSON.parse(rewritten.stdout).rewrittenObjects, 'number', rewritten.stderr);
});
