/** A repository with one backup of a target that changed since, and processes that restore over it and are killed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  generateKeyText,
  openEngine,
  type SourceSpec,
  silentProgress,
  switchBack,
} from '../../src/engine/index.ts';
import { finishLeftBehind } from '../../src/engine/operations/switches/finish-left-behind.ts';
import { readRecords, type SwitchRecord } from '../../src/engine/operations/switches/switch-record.ts';
import type { ChildTask } from './safe-restore-child.ts';

const CHILD = fileURLToPath(new URL('./safe-restore-child.ts', import.meta.url));

export interface SafeWorld {
  readonly stateFolder: string;
  readonly records: () => SwitchRecord[];
  /** Resolves with how the process ended: `SIGKILL`, or its exit code. */
  readonly child: (task: Pick<ChildTask, 'what' | 'killAt'>) => Promise<string | number>;
  /** In this process. */
  readonly back: () => Promise<unknown>;
  /** What the next command does first. Resolves with what it warned of. */
  readonly recover: () => Promise<string[]>;
}

export async function safeWorld(
  folder: string,
  source: SourceSpec,
  given: Pick<ChildTask, 'item' | 'target' | 'tenantId'>,
): Promise<SafeWorld> {
  const stateFolder = join(folder, 'state');
  const [address, keyText] = [join(folder, 'repository'), generateKeyText()];
  const { signal } = new AbortController();
  const engine = await openEngine({
    ...{
      address,
      layout: 'repository',
      keyTexts: [keyText],
      progress: silentProgress,
      signal,
      create: 'always',
    },
    ...{ stateFolder, signingKeyFile: join(stateFolder, 'signing-key.pem'), minimumFreeBytes: 0 },
  });
  const { backupId } = await engine.backup({ sources: [source], plan: 'p', tenantId: null, type: 'full' });
  await engine.close();
  return {
    stateFolder,
    records: () => readRecords(stateFolder),
    child: (task) => ended({ ...task, ...given, address, keyText, stateFolder, backupId }),
    back: () =>
      switchBack({
        safe: { stateFolder, graceMs: 0 },
        ...{ target: given.target, progress: silentProgress, signal },
      }),
    async recover() {
      const warnings: string[] = [];
      await finishLeftBehind(stateFolder, given.target, { warn: (message) => void warnings.push(message) });
      return warnings;
    },
  };
}

function ended(task: ChildTask): Promise<string | number> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<string | number>();
  child.once('error', reject);
  child.once('close', (code, signal) => {
    if (code !== null && code !== 0) console.error(said);
    resolve(signal ?? code ?? -1);
  });
  return promise;
}
