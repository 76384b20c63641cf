/** Where a benchmark ran. Nothing that names the machine or its user. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { basename } from 'node:path';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Of the temporary folder: `ext4 on a disk without seek times`. */
  readonly disk: string;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  /** How busy others kept the machine just before: processes that wanted to run, over one minute. */
  readonly loadBefore: number;
}

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

function diskOf(folder: string): string {
  const run = spawnSync('findmnt', ['-n', '-o', 'FSTYPE,SOURCE', '-T', folder], { encoding: 'utf8' });
  const [type, device] = run.status === 0 ? run.stdout.trim().split(/\s+/) : [];
  if (!type) return 'unknown';
  const spins = readOr(`/sys/block/${basename(device ?? '')}/queue/rotational`, '').trim();
  const kinds: Readonly<Record<string, string>> = {
    0: ' on a disk without seek times',
    1: ' on a disk that reports seek times',
  };
  return `${type}${kinds[spins] ?? ''}`;
}

const systemName = () => /^PRETTY_NAME="?([^"\n]*)/m.exec(readOr('/etc/os-release', ''))?.[1] ?? 'Linux';

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
