/** How half of a long history goes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../command.ts';

const PRUNE_NOW = fileURLToPath(new URL('prune-now.ts', import.meta.url));
/** As bin/holdfast.js starts itself. */
const LEAN_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=1024'];

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
