/** Finds promtool, and installs Debian's Prometheus where it is missing and permitted. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages, mayInstallPackages } from './debian-packages.ts';

/** The path of promtool. Throws where there is none. */
export function ensurePromtool(): string {
  const found = findPromtool();
  if (found !== null) return found;
  if (!mayInstallPackages()) {
    throw new Error('promtool is not installed: run apt-get install prometheus as root');
  }
  installPackages('prometheus');
  const installed = findPromtool();
  if (installed === null) throw new Error('the prometheus package was installed, but holds no promtool');
  return installed;
}

function findPromtool(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'promtool')).find((path) => existsSync(path)) ?? null;
}
