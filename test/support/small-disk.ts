/** Disks that are full: a small file system where that may be mounted, else a limit on the size of every file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CliRunOptions } from './run-cli.ts';

export interface SmallDisk {
  readonly folder: string;
  /** What to run the program with, so that it meets the limit. */
  readonly options: Pick<CliRunOptions, 'fileLimitBytes'>;
  /** The codes of a failed write: a limit on files is no full disk to the system. */
  readonly codes: { readonly storage: string; readonly target: string };
}

/** A place that takes `sizeBytes` (or, for an ordinary user, no file as large as that). */
export function smallDisk(t: TestContext, sizeBytes: number): SmallDisk {
  // Not below the test's own folder: that could not be removed while something is mounted in it.
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  const isMounted = mounted(folder, sizeBytes);
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const target = 'target_failed';
  if (!isMounted) {
    return { folder, options: { fileLimitBytes: sizeBytes }, codes: { storage: 'storage_io', target } };
  }
  return { folder, options: {}, codes: { storage: 'storage_full', target } };
}

function mounted(folder: string, sizeBytes: number): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    // A container's root may not mount.
    return false;
  }
}
