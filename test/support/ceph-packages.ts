/** Finds Debian's Ceph gateway and its daemons, and installs them where they are missing and permitted. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';
const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool'];
const PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd'];

/** Throws, with what to do, where there is none and none may be installed. */
export function ensureCeph(): void {
  if (isThere()) return;
  const command = `apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(`the S3 tests need a Ceph gateway: run ${command} as root`);
  withoutAutostart(() => {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES]);
  });
  if (!isThere()) throw new Error(`not all of ${PROGRAMS.join(', ')} are there after ${command}`);
}

const isThere = () => PROGRAMS.every((name) => existsSync(`/usr/bin/${name}`));

/** The packages would start servers of their own; policy-rc.d is Debian's way to say no. */
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
