import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leftOver } from '../../../test/support/leftover-processes.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { untilTrue } from '../../../test/support/until-true.ts';
import { HoldfastError } from '../base/errors.ts';
import { type Hook, type HookedRun, type RunEnd, runWithHooks } from './run-hooks.ts';

interface World {
  readonly folder: string;
  /** Appends what it is told of the run to the log. */
  readonly note: (name: string) => Hook;
  readonly log: () => Promise<string[]>;
  readonly warnings: string[];
  readonly run: (given: Partial<HookedRun<string>>) => ReturnType<typeof runWithHooks<string>>;
}

const SUCCEEDED: RunEnd = { status: 'succeeded', backupId: 'b1', errorCode: null };

async function world(t: TestContext): Promise<World> {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'log');
  const warnings: string[] = [];
  const facts =
    '$HOLDFAST_HOOK $HOLDFAST_PLAN $HOLDFAST_TENANT_ID $HOLDFAST_STATUS $HOLDFAST_BACKUP_ID $HOLDFAST_ERROR_CODE';
  return {
    folder,
    warnings,
    note: (name) => shell(`echo ${name} ${facts} >> ${file}`),
    log: async () => (existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : []),
    run: (given) =>
      runWithHooks<string>({
        ...{ hooks: { before: [], after: [] }, plan: 'nightly', tenantId: 't1' },
        signal: new AbortController().signal,
        progress: { phase() {}, warn: (message) => warnings.push(message) },
        endOf: () => SUCCEEDED,
        work: async () => 'done',
        ...given,
      }),
  };
}

const shell = (command: string): Hook => ({ command, timeLimitMs: 20_000, environment: {} });

test('hooks run in order around the work, and the after-hooks know how it ended', async (t) => {
  const { note, log, run } = await world(t);
  const work = async () => {
    assert.deepEqual(await log(), ['one before nightly t1', 'two before nightly t1']);
    return 'done';
  };
  const hooks = { before: [note('one'), note('two')], after: [note('three'), note('four')] };
  assert.deepEqual(await run({ hooks, work }), { result: 'done', failedHooks: [] });
  assert.deepEqual((await log()).slice(2), [
    'three after nightly t1 succeeded b1',
    'four after nightly t1 succeeded b1',
  ]);
});

test('a before-hook that fails ends the run unread, with its message, and the after-hooks run', async (t) => {
  const { note, log, run } = await world(t);
  let worked = false;
  const work = async () => {
    worked = true;
    return '';
  };
  const hooks = {
    before: [shell('echo the queue is not empty >&2; exit 3'), note('never')],
    after: [note('after')],
  };
  await assert.rejects(run({ hooks, work }), {
    code: 'hook_failed',
    message: /before-hook.*ended with code 3: the queue is not empty/,
  });
  assert.equal(worked, false);
  assert.deepEqual(await log(), ['after after nightly t1 failed hook_failed']);
});

test('the after-hooks run when the work fails, is skipped or interrupted, and its error stays', async (t) => {
  const { note, log, run } = await world(t);
  const hooks = { before: [], after: [shell('echo stuck >&2; exit 1'), note('after')] };
  const failing = (error: Error) => run({ hooks, work: () => Promise.reject(error) });
  await assert.rejects(failing(new HoldfastError('source_missing')), { code: 'source_missing' });
  await assert.rejects(failing(new HoldfastError('space_low')), { code: 'space_low' });
  await assert.rejects(failing(new HoldfastError('interrupted')), { code: 'interrupted' });
  await assert.rejects(failing(new TypeError('a bug')), /a bug/);
  assert.deepEqual(await log(), [
    'after after nightly t1 failed source_missing',
    'after after nightly t1 skipped space_low',
    'after after nightly t1 interrupted interrupted',
    'after after nightly t1 failed internal',
  ]);
});

test('an after-hook that fails does not undo the result, but is told', async (t) => {
  const { note, log, run, warnings } = await world(t);
  const hooks = { before: [], after: [{ ...shell(''), command: ['/no/such/program'] }, note('after')] };
  const { result, failedHooks } = await run({ hooks });
  assert.equal(result, 'done');
  assert.deepEqual(
    failedHooks.map(({ code }) => code),
    ['hook_failed'],
  );
  assert.match(warnings.join(), /after-hook.*\/no\/such\/program cannot be started/);
  assert.equal((await log()).length, 1);
});

test('a hook beyond its time limit is ended with everything it started', async (t) => {
  const { folder, run, log, note } = await world(t);
  const marker = join(folder, 'sleeper');
  // A child that ignores SIGTERM, in the background of a shell that waits for another.
  const stuck = shell(`(trap '' TERM; exec -a ${marker} sleep 600) & sleep 600`);
  const hooks = { before: [{ ...stuck, timeLimitMs: 200 }], after: [note('after')] };
  await assert.rejects(run({ hooks }), { code: 'hook_failed', message: /took longer than 200 ms/ });
  assert.deepEqual(await leftOver(marker), []);
  assert.equal((await log()).length, 1);
});

test('an interruption ends a before-hook, and not an after-hook', async (t) => {
  const { run, log, note } = await world(t);
  const controller = new AbortController();
  const hooks = { before: [shell('sleep 600')], after: [shell('sleep 0.3'), note('after')] };
  const running = run({ hooks, signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(running, { code: 'interrupted' });
  assert.deepEqual(await log(), ['after after nightly t1 interrupted interrupted']);
});

test('hooks see PATH, HOME, LANG, the facts and what they ask for, and nothing else of this process', async (t) => {
  const { folder, run } = await world(t);
  process.env.BACKUP_ENCRYPTION_KEY = 'canary-key-of-this-process';
  t.after(() => delete process.env.BACKUP_ENCRYPTION_KEY);
  const hook = {
    ...shell(`env > ${join(folder, 'env')}`),
    environment: { DOCKER_HOST: 'unix:///run/docker.sock' },
  };
  await run({ hooks: { before: [hook], after: [] } });
  const names = (await readFile(join(folder, 'env'), 'utf8')).match(/^\w+(?==)/gm)!.sort();
  const own = ['DOCKER_HOST', 'HOLDFAST_HOOK', 'HOLDFAST_PLAN', 'HOLDFAST_TENANT_ID', 'HOME', 'LANG', 'PATH'];
  // The shell adds these by itself.
  assert.deepEqual(
    names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
    own,
  );
});

test('a program and its arguments are run as they are, without a shell', async (t) => {
  const { folder, run } = await world(t);
  const odd = join(folder, '$(touch pwned); `touch pwned` "x"');
  await run({ hooks: { before: [{ ...shell(''), command: ['touch', odd] }], after: [] } });
  assert.ok(existsSync(odd));
  assert.ok(!existsSync(join(folder, 'pwned')) && !existsSync('pwned'));
});

test('a process that exits at once, in the work or in an after-hook, leaves the after-hooks running', async (t) => {
  const { folder } = await world(t);
  const module = new URL('./run-hooks.ts', import.meta.url).pathname;
  for (const moment of ['work', 'after']) {
    const [slow, last] = ['slow', 'last'].map((name) => join(folder, `${moment}-${name}`));
    const script = `
      import { runWithHooks } from ${JSON.stringify(module)};
      const hook = (command) => ({ command, timeLimitMs: 60000, environment: {} });
      await runWithHooks({
        hooks: { before: [], after: [hook('sleep 0.5; touch ${slow}'), hook('touch ${last}')] },
        plan: null, tenantId: null, signal: new AbortController().signal,
        progress: { phase(name) { if (name === 'after-hooks') setTimeout(() => process.exit(130), 200); }, warn() {} },
        endOf: () => ({ status: 'succeeded', backupId: null, errorCode: null }),
        work: async () => { ${moment === 'work' ? 'process.exit(130)' : ''} },
      });`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    await untilTrue(async () => existsSync(slow!) && existsSync(last!));
  }
});
