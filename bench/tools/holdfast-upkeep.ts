/** A repository with a long history: how it is filled, and how half of it goes. */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine, silentProgress } from '../../src/engine/index.ts';
import type { Command } from '../command.ts';
import type { Source } from '../workloads/port.ts';
import { PASSWORD } from './password.ts';
import type { Writer } from './port.ts';

const PRUNE_NOW = fileURLToPath(new URL('prune-now.ts', import.meta.url));
/** As bin/holdfast.js starts itself. */
const LEAN_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=1024'];

/** The engine that `holdfast backup` runs, opened once. */
export async function openWriter(source: Source, repository: string, home: string): Promise<Writer> {
  if (source.kind !== 'files') throw new Error('a history is one of files');
  const engine = await openEngine({
    address: repository,
    layout: 'repository',
    keyTexts: [PASSWORD],
    signingKeyFile: join(home, 'signing-key.pem'),
    stateFolder: join(home, 'state'),
    progress: silentProgress,
    signal: new AbortController().signal,
    minimumFreeBytes: 0,
  });
  const { folder } = source;
  const name = basename(folder);
  const spec = { kind: 'files' as const, name, paths: [folder], exclude: [], optional: false };
  return {
    async backup() {
      await engine.backup({ sources: [spec], plan: null, tenantId: null, type: 'storage' });
    },
    close: () => engine.close(),
  };
}

/**
 * All that frees space: retention archives, a month later the archive is emptied, `prune` marks, a day later it deletes. The month
 * and the day are taken out: the archive is made to look old, and the last step waits for nothing.
 */
export function pruneCommand(
  call: (...args: string[]) => Command,
  repository: string,
  keep: number,
): Command {
  const rotate = call('rotate', '--keep-last', String(keep), '--accept-changes');
  const age = [
    'find',
    join(repository, 'archived'),
    '-type',
    'f',
    '-exec',
    'touch',
    '-d',
    '40 days ago',
    '{}',
    '+',
  ];
  const steps = [...rotate.steps, [age], ...rotate.steps, ...call('prune').steps];
  return {
    ...rotate,
    steps: [...steps, [[process.execPath, ...LEAN_FLAGS, PRUNE_NOW, repository]]],
    env: { ...rotate.env, MALLOC_ARENA_MAX: '2' },
  };
}
