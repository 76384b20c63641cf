/** Trees that no single path reaches the end of. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { closeFolder, openFolderAt, openFolderIn } from '../../src/engine/sources/files/handles.ts';

/** As `temporaryFolder`, for trees deeper than Node's own removal reaches. */
export function deepTemporaryFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  t.after(() => {
    if (process.geteuid?.() !== 0) execFileSync('chmod', ['-R', 'u+rwX', folder]);
    execFileSync('rm', ['-rf', folder]);
  });
  return folder;
}

/** Folders in each other, and a file in the last; `atBottom` gets what stands for the last in a path, its slash included. */
export function makeDeep(folder: string, levels: number, atBottom: (base: string) => void = () => {}): void {
  let handle = openFolderAt(folder);
  for (let i = 0; i < levels; i += 1) {
    fs.mkdirSync(`${handle.base}deep-folder-${i}`);
    const next = openFolderIn(handle, `deep-folder-${i}`);
    closeFolder(handle);
    handle = next;
  }
  fs.writeFileSync(`${handle.base}bottom.txt`, 'bottom');
  atBottom(handle.base);
  closeFolder(handle);
}
