import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A folder of the test's own, removed when the test ends. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  test.after(() => removeFolder(folder));
  return folder;
}

/** What ends with the test may still write for a moment. */
const ATTEMPTS = 100;
const PAUSE_MS = 200;

/** Also where a test left folders locked, which stop anybody but root. */
export async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await rm(folder, { recursive: true, force: true }).catch(() => removeLocked(folder));
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/** Also deeper than a path may be long. */
async function removeLocked(folder: string): Promise<void> {
  await promisify(execFile)('chmod', ['-R', 'u+rwX', folder]);
  await promisify(execFile)('rm', ['-rf', folder]);
}
