import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

/** A folder of the test's own, removed when the test ends. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  test.after(() => removeFolder(folder));
  return folder;
}

/** Also where a test left folders locked, which stop anybody but root. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(async () => {
    // Also deeper than a path may be long.
    await promisify(execFile)('chmod', ['-R', 'u+rwX', folder]);
    await promisify(execFile)('rm', ['-rf', folder]);
  });
}
