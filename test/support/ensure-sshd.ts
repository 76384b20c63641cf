/** Finds Debian's OpenSSH server, and installs it where it is missing and permitted. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages, mayInstallPackages } from './debian-packages.ts';

/** The path of sshd, which insists on being started by it. Throws where there is none. */
export function ensureSshd(): string {
  const found = findSshd();
  if (found !== null) return found;
  if (!mayInstallPackages()) {
    throw new Error('openssh-server is not installed: run apt-get install openssh-server as root');
  }
  installPackages('openssh-server');
  const installed = findSshd();
  if (installed === null) throw new Error('the openssh-server package was installed, but holds no sshd');
  return installed;
}

function findSshd(): string | null {
  const folders = ['/usr/sbin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'sshd')).find((path) => existsSync(path)) ?? null;
}
