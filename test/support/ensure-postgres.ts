/** Installs Debian's PostgreSQL where it is missing, for tests and demos. */

import { installPackages, mayInstallPackages } from './debian-packages.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';

/** The folder of the server binaries. Installs them by apt-get when missing and permitted; throws otherwise. */
export function ensurePostgres(): string {
  const found = findPostgresBinaries();
  if (found !== null) return found;
  if (!mayInstallPackages()) {
    throw new Error('postgresql is not installed: run apt-get install postgresql as root, then try again');
  }
  installPackages('postgresql');
  const installed = findPostgresBinaries();
  if (installed === null) throw new Error('the postgresql package was installed, but holds no server');
  return installed;
}
