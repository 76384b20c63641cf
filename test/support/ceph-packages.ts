/** Finds Debian's Ceph gateway and its daemons, and installs them where they are missing and permitted. */
import { existsSync } from 'node:fs';
import { installPackages, mayInstallPackages } from './debian-packages.ts';

const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool'];
const PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd'];

/** Throws, with what to do, where there is none and none may be installed. */
export function ensureCeph(): void {
  if (isThere()) return;
  const command = `apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;
  if (!mayInstallPackages()) throw new Error(`the S3 tests need a Ceph gateway: run ${command} as root`);
  installPackages(...PACKAGES);
  if (!isThere()) throw new Error(`not all of ${PROGRAMS.join(', ')} are there after ${command}`);
}

const isThere = () => PROGRAMS.every((name) => existsSync(`/usr/bin/${name}`));
