/**
 * `npm test`: static checks, then every test file. `--full` runs the nightly counts.
 * Names after the options choose test files by substring.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensureCryptography } from '../test/support/decoders.ts';
import { ensureChromium } from '../test/support/ensure-chromium.ts';
import { ensurePostgres } from '../test/support/ensure-postgres.ts';
import { ensurePromtool } from '../test/support/ensure-promtool.ts';
import { ensureSshd } from '../test/support/ensure-sshd.ts';

const root = resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const full = args.includes('--full');
const wanted = args.filter((arg) => !arg.startsWith('--'));

/** These take longest and go first, so that none of them runs alone at the end. */
const LONGEST = [
  'test/integration/s3.test.ts',
  'test/integration/destinations.test.ts',
  'test/fuzz/bundle-fuzz.test.ts',
  'test/integration/import.test.ts',
  'test/integration/drill-places.test.ts',
  'test/integration/ledger-cli.test.ts',
  'test/integration/drills.test.ts',
  'test/integration/cli.test.ts',
  'test/integration/guard.test.ts',
  'test/integration/kit.test.ts',
  'test/integration/server-crash.test.ts',
  'test/integration/bad-input-server.test.ts',
  'test/e2e/first-day.test.ts',
  'test/e2e/people.test.ts',
  'test/conformance/queue.test.ts',
  'test/integration/decoder-damage.test.ts',
  'test/integration/fingerprinting.test.ts',
  'test/integration/postgres-hostile.test.ts',
  'test/integration/bad-input.test.ts',
  'test/integration/safe-restore-kill.test.ts',
];

/** One more than cores: a third of the time of tests is waiting for servers, leases and the ends of processes. */
const FILES_AT_ONCE = availableParallelism() + 1;

function testFiles(): string[] {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root });
  const place = (file: string) => (LONGEST.includes(file) ? LONGEST.indexOf(file) : LONGEST.length);
  const inOrder = files.sort().sort((a, b) => place(a) - place(b));
  return wanted.length === 0 ? inOrder : inOrder.filter((file) => wanted.some((part) => file.includes(part)));
}

/** True when all of them pass. Each file is a process, which inherits the environment of this one. */
async function test(files: readonly string[]): Promise<boolean> {
  if (full) process.env.HOLDFAST_FULL = '1';
  // Every file loads much of the house: from the second on it is compiled already.
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/holdfast-tests/compiled');
  let passed = true;
  const events = run({ files: files.map((file) => join(root, file)), cwd: root, concurrency: FILES_AT_ONCE });
  events.on('test:fail', () => {
    passed = false;
  });
  const report = events.compose(spec());
  report.pipe(process.stdout);
  await finished(report);
  return passed;
}

await ensurePostgres();
ensureSshd();
ensureChromium();
ensurePromtool();
ensureCryptography();
const checked =
  wanted.length > 0 ||
  spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' }).status === 0;
const files = testFiles();
if (files.length === 0) console.error(`no test file has any of these in its name: ${wanted.join(', ')}`);
const passed = files.length > 0 && (await test(files));
process.exitCode = checked && passed ? 0 : 1;
