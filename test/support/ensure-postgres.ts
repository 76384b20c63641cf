/** Installs Debian's PostgreSQL where it is missing, for tests and demos. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findPostgresBinaries } from './postgres-binaries.ts';

const POLICY = '/usr/sbin/policy-rc.d';

/** The folder of the server binaries. Installs them by apt-get when missing and permitted; throws otherwise. */
export function ensurePostgres(): string {
  const found = findPostgresBinaries();
  if (found !== null) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('postgresql is not installed: run apt-get install postgresql as root, then try again');
  }
  withoutAutostart(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'postgresql']);
  });
  const installed = findPostgresBinaries();
  if (installed === null) throw new Error('the postgresql package was installed, but holds no server');
  return installed;
}

/** The package would start a server of its own; policy-rc.d is Debian's way to say no. */
function withoutAutostart(work: () => void): void {
  if (existsSync(POLICY)) {
    work();
    return;
  }
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    rmSync(POLICY, { force: true });
  }
}

function run(command: string, args: string[]): void {
  const result = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.status !== 0) throw new Error(`${command} ${args[0]} failed: ${result.stderr?.trim()}`);
}
