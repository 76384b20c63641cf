/** Where a benchmark ran. Nothing that names the machine or its user. */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Of the temporary folder: its file system, and how fast it took a file just before. */
  readonly disk: string;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  /** How busy others kept the machine just before: processes that wanted to run, over one minute. */
  readonly loadBefore: number;
}

const TRIAL_BLOCK_BYTES = 1 << 20;
const TRIAL_BLOCKS = 256;

export function describeMachine(temporaryFolder: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    disk: diskOf(temporaryFolder),
    system: `${systemName()}, Linux ${release().split('-')[0]}`,
    node: process.versions.node,
    sqlite: process.versions.sqlite ?? 'unknown',
    loadBefore: Math.round(loadavg()[0]! * 100) / 100,
  };
}

/** The short name of what is checked out, `-changed` when files differ from it; `unknown` outside a checkout. */
export function commitOf(folder: string): string {
  const git = (...args: string[]) => {
    const run = spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' });
    return run.status === 0 ? run.stdout.trim() : null;
  };
  const commit = git('rev-parse', '--short=10', 'HEAD');
  if (commit === null) return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no', 'src', 'bin') === ''
    ? commit
    : `${commit}-changed`;
}

/** `ext4, writes 410 MB a second`: the kind of a disk is hidden behind whatever virtual machine this is. */
function diskOf(folder: string): string {
  const run = spawnSync('findmnt', ['-n', '-o', 'FSTYPE', '-T', folder], { encoding: 'utf8' });
  const type = run.status === 0 ? run.stdout.trim() : 'unknown file system';
  return `${type}, writes ${Math.round(writtenPerSecond(folder) / 1e6)} MB a second`;
}

function writtenPerSecond(folder: string): number {
  const path = join(folder, 'write-trial');
  const block = Buffer.alloc(TRIAL_BLOCK_BYTES, 'write trial');
  const file = openSync(path, 'w', 0o600);
  const startedMs = performance.now();
  try {
    for (let i = 0; i < TRIAL_BLOCKS; i += 1) writeSync(file, block);
    fsyncSync(file);
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return (TRIAL_BLOCKS * TRIAL_BLOCK_BYTES) / ((performance.now() - startedMs) / 1000);
}

const systemName = () => /^PRETTY_NAME="?([^"\n]*)/m.exec(readOr('/etc/os-release', ''))?.[1] ?? 'Linux';

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
