/** Runs the commands of a RECOVERY.md as a person would: from the folder of the kit, in a shell, with nothing else. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCryptography } from './decoders.ts';

export type Language = 'node' | 'python';

/** Lines of all shell blocks, in order. */
export function shellLines(kit: string): string[] {
  const page = readFileSync(join(kit, 'RECOVERY.md'), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  return blocks
    .join('')
    .split('\n')
    .filter((line) => line !== '');
}

/**
 * Runs those lines that `wanted` chooses, after the one that defines `decode` in this language. Both programs are found
 * by their names, as on a machine of one's own.
 */
export function runPage(
  kit: string,
  language: Language,
  wanted: (line: string) => boolean,
  environment: Readonly<Record<string, string>> = {},
): SpawnSyncReturns<string> {
  const lines = shellLines(kit);
  const program = language === 'node' ? 'node' : 'python3';
  const define = lines.find((line) => line.startsWith(`decode() { ${program} `));
  if (define === undefined) throw new Error(`RECOVERY.md does not say how to decode with ${language}`);
  const aliases = [`node() { ${process.execPath} "$@"; }`, `python3() { ${ensureCryptography()} -B "$@"; }`];
  const script = ['set -e', ...aliases, define, ...lines.filter(wanted)].join('\n');
  return spawnSync('/bin/sh', ['-c', script], {
    cwd: kit,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: kit, ...environment },
  });
}
