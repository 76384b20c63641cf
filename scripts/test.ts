/**
 * `npm test`: static checks, then every test file. `--full` runs the nightly counts.
 * Names after the options choose test files by substring.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureCryptography } from '../test/support/decoders.ts';
import { ensureChromium } from '../test/support/ensure-chromium.ts';
import { ensurePostgres } from '../test/support/ensure-postgres.ts';
import { ensurePromtool } from '../test/support/ensure-promtool.ts';
import { ensureSshd } from '../test/support/ensure-sshd.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const args = process.argv.slice(2);
const full = args.includes('--full');
const wanted = args.filter((arg) => !arg.startsWith('--'));

function run(command: string, commandArgs: readonly string[]): boolean {
  const environment = { ...process.env, ...(full ? { HOLDFAST_FULL: '1' } : {}) };
  return spawnSync(command, commandArgs, { cwd: root, stdio: 'inherit', env: environment }).status === 0;
}

function testFiles(): string[] {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root }).sort();
  return wanted.length === 0 ? files : files.filter((file) => wanted.some((part) => file.includes(part)));
}

await ensurePostgres();
ensureSshd();
ensureChromium();
ensurePromtool();
ensureCryptography();
const checked = wanted.length > 0 || run('npm', ['run', '--silent', 'check']);
// Two files at a time: the tests start servers and workers of their own, and two cores are the reference machine.
const tested = run(process.execPath, [
  '--test',
  '--test-concurrency=2',
  '--test-reporter=spec',
  ...testFiles(),
]);
process.exitCode = checked && tested ? 0 : 1;
