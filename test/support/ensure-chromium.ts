/** Finds Debian's Chromium, and installs it where it is missing and permitted. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages, mayInstallPackages } from './debian-packages.ts';

const NAMES = ['chromium', 'chromium-browser'];

/** The path of the browser that drives the web page's tests. Throws where there is none. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== null) return found;
  if (!mayInstallPackages()) {
    throw new Error('chromium is not installed: run apt-get install chromium as root');
  }
  installPackages('chromium');
  const installed = findChromium();
  if (installed === null) throw new Error('the chromium package was installed, but holds no chromium');
  return installed;
}

function findChromium(): string | null {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}
