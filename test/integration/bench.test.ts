/** The benchmark as a process: it measures every step, checks what was restored, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from '../../bench/results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

interface Run {
  readonly status: number | null;
  readonly output: string;
}

async function bench(folder: string, args: readonly string[], interruptAt?: RegExp): Promise<Run> {
  await mkdir(join(folder, 'tmp'));
  const child = spawn(process.execPath, [MAIN, ...args, '--output', join(folder, 'results')], {
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: join(folder, 'tmp') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const before = output;
      output += text;
      if (interruptAt?.test(output) && !interruptAt.test(before)) child.kill('SIGINT');
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

async function resultOf(folder: string): Promise<BenchResult> {
  const [name] = (await readdir(join(folder, 'results'))).filter((file) => file.endsWith('.json'));
  return JSON.parse(await readFile(join(folder, 'results', name!), 'utf8')) as BenchResult;
}

test('every step of files and SQLite is measured, and nothing temporary stays', async (t) => {
  const folder = await temporaryFolder(t);
  const args = ['--workload', 'files,sqlite', '--tools', 'holdfast', '--size', '0.002', '--rounds', '1'];
  args.push('--pattern', 'scattered');
  const { status, output } = await bench(folder, args);
  assert.equal(status, 0, output);
  const { workloads, machine, settings } = await resultOf(folder);
  assert.deepEqual(settings, { scale: 0.002, rounds: 1, seed: 1, pattern: 'scattered' });
  assert.ok(machine.cores >= 1 && machine.memoryBytes > 0);
  assert.deepEqual(workloads.map(({ workload }) => workload).sort(), ['files', 'sqlite']);
  for (const { samples, changed, sizeBytes, workload } of workloads) {
    assert.deepEqual(
      samples.map(({ step }) => step),
      ['first', 'unchanged', 'changed', 'restore'],
    );
    const [first, unchanged, afterChange, restore] = samples;
    for (const { wallSeconds, cpuSeconds, peakBytes } of samples) {
      assert.ok(wallSeconds > 0 && cpuSeconds! > 0, workload);
      // Less than Node alone takes would mean that the wrong process was looked at.
      assert.ok(peakBytes! > 30 << 20, workload);
    }
    assert.ok(changed > 0 && changed < sizeBytes / 1000);
    assert.ok(first!.addedBytes! > sizeBytes / 20 && first!.addedBytes! < sizeBytes, workload);
    assert.ok(unchanged!.addedBytes! < afterChange!.addedBytes!, workload);
    assert.ok(afterChange!.addedBytes! <= first!.addedBytes!, workload);
    assert.equal(restore!.addedBytes, null);
  }
  assert.deepEqual(await readdir(join(folder, 'tmp')), []);
});

test('a history is read whole and cut in half, and its repository stays where it was prepared', async (t) => {
  const folder = await temporaryFolder(t);
  const prepared = join(folder, 'prepared');
  const args = ['--workload', 'history', '--tools', 'holdfast', '--backups', '6', '--size', '0.003'];
  const { status, output } = await bench(folder, [...args, '--rounds', '1', '--prepared', prepared]);
  assert.equal(status, 0, output);
  const [{ samples, facts }] = (await resultOf(folder)).workloads as [BenchResult['workloads'][number]];
  assert.equal(facts.backups, 6);
  assert.deepEqual(
    samples.map(({ step }) => step),
    ['verify', 'prune'],
  );
  assert.ok(samples[1]!.addedBytes! < samples[0]!.addedBytes!, 'what only the older half needed is gone');
  const kept = join(prepared, 'holdfast/repository/backups');
  const manifests = (await readdir(kept, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  assert.equal(manifests.length, 6, 'the prune worked on a copy');
  assert.deepEqual(await readdir(join(folder, 'tmp')), []);
});

test('Ctrl-C in the middle of a run ends it with 130 and removes its data', async (t) => {
  const folder = await temporaryFolder(t);
  const args = ['--workload', 'files', '--tools', 'holdfast', '--size', '0.002', '--rounds', '50'];
  const { status, output } = await bench(folder, args, /1 first {5}/);
  assert.equal(status, 130, output);
  assert.deepEqual(await readdir(join(folder, 'tmp')), []);
});

test('what was mistyped is answered without running anything', async (t) => {
  const folder = await temporaryFolder(t);
  const { status, output } = await bench(folder, ['--workload', 'file']);
  assert.equal(status, 2);
  assert.match(output, /--workload knows postgres, sqlite, files, small-files, history, not 'file'/);
});
