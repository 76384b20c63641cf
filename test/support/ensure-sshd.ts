/** Finds Debian's OpenSSH server, and installs it where it is missing and permitted. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const POLICY = '/usr/sbin/policy-rc.d';

/** The path of sshd, which insists on being started by it. Throws where there is none. */
export function ensureSshd(): string {
  const found = findSshd();
  if (found !== null) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('openssh-server is not installed: run apt-get install openssh-server as root');
  }
  withoutAutostart(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'openssh-server']);
  });
  const installed = findSshd();
  if (installed === null) throw new Error('the openssh-server package was installed, but holds no sshd');
  return installed;
}

function findSshd(): string | null {
  const folders = ['/usr/sbin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'sshd')).find((path) => existsSync(path)) ?? null;
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
