/** Test 26, second half: a process that swaps folders for symlinks meanwhile; 0 bytes outside the target. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { restoreTree } from '../../src/engine/sources/files/index.ts';
import type { TreeEntry } from '../../src/engine/sources/port.ts';
import { count } from '../support/counts.ts';
import {
  file,
  folder,
  hard,
  lookAt,
  makeSandbox,
  NOTHING,
  readerOf,
  restoreCarelessly,
  root,
} from '../support/hostile-trees.ts';

/** Swaps the target's folders for symlinks to the outside, without rest. */
const RACER = `
const fs = require('node:fs');
const { join } = require('node:path');
const [base, outside] = process.argv.slice(1);
process.stdout.write('go');
for (let i = 0; ; i += 1) {
  const target = join(base, 'target');
  let names = [];
  try { names = fs.readdirSync(target); } catch {}
  for (const name of names) {
    if (!/^d[0-9]$/.test(name)) continue;
    try { if (fs.lstatSync(join(target, name)).isSymbolicLink()) continue; fs.renameSync(join(target, name), join(target, 'moved-' + i + name)); } catch { continue; }
    try { fs.symlinkSync(outside, join(target, name)); } catch {}
  }
}`;

async function startRacer(t: TestContext, base: string, outside: string): Promise<ChildProcess> {
  const racer = spawn(process.execPath, ['-e', RACER, base, outside], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => racer.kill('SIGKILL'));
  await once(racer.stdout!, 'data');
  return racer;
}

const RACED: readonly TreeEntry[] = [
  root,
  ...Array.from({ length: 10 }, (_, d) => [
    folder(`d${d}`),
    ...Array.from({ length: 6 }, (_, f) => (f === 5 ? hard(`d${d}/f5`, `d${d}/f0`) : file(`d${d}/f${f}`))),
    folder(`d${d}/sub`),
    file(`d${d}/sub/x`),
  ]).flat(),
];

test('symlink-swap races: nothing outside is touched', async (t) => {
  const { base, outside } = await makeSandbox(t);
  const before = lookAt(outside);
  const racer = await startRacer(t, base, outside);
  const outcomes = new Map<string, number>();
  const isMet = () => outcomes.has('path_unsafe') || outcomes.has('target_failed');
  // More rounds where the racer hardly gets to run.
  for (let round = 0; round < count(60, 1000) || (!isMet() && round < 5000); round += 1) {
    const target = join(base, 'target');
    // An empty folder is filled in place, under the racer's eyes; a missing one only appears when it is whole.
    fs.mkdirSync(target);
    const useThread = round % 4 === 0;
    const run = restoreTree({ reader: readerOf(RACED), content: NOTHING, target, useThread });
    const outcome = await run.then(
      () => 'restored',
      (error: unknown) => codeOf(error) ?? String(error),
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    fs.renameSync(target, join(base, `done-${round}`));
  }
  racer.kill('SIGKILL');
  await once(racer, 'exit');
  assert.deepEqual(lookAt(outside), before);
  console.log('# outcomes:', Object.fromEntries(outcomes));
  const known = ['restored', 'path_unsafe', 'target_failed', 'target_not_empty'];
  assert.deepEqual(
    [...outcomes.keys()].filter((outcome) => !known.includes(outcome)),
    [],
  );
  assert.ok(isMet(), 'the races were never met');
});

test('symlink-swap races: a careless program would have been caught', async (t) => {
  const { base, outside } = await makeSandbox(t);
  const racer = await startRacer(t, base, outside);
  for (let round = 0; round < 5000 && fs.readdirSync(outside).length === 2; round += 1) {
    const target = join(base, 'target');
    fs.mkdirSync(target);
    restoreCarelessly(target, RACED);
    fs.renameSync(target, join(base, `done-${round}`));
  }
  racer.kill('SIGKILL');
  await once(racer, 'exit');
  assert.ok(fs.readdirSync(outside).length > 2);
});
