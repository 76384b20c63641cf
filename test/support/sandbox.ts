/** A place for hostile bundles: a target to extract into, and canaries around it that must not change. */
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Sandbox {
  /** What to extract into. Does not exist. */
  readonly target: string;
  readonly base: string;
  /** Everything wrong around the target; empty when nothing escaped. */
  escapes(): string[];
  /** True when the target, or a leftover of an attempt, is there. */
  appeared(): boolean;
  /** Makes room for the next attempt. */
  clear(): void;
}

const CANARY = 'do not touch';

/** Below `base`: `canary`, `other/canary` and `work`, where `work/target` goes. */
export function sandbox(base: string): Sandbox {
  const target = join(base, 'work/target');
  mkdirSync(join(base, 'work'));
  mkdirSync(join(base, 'other'));
  for (const name of ['canary', 'other/canary']) writeFileSync(join(base, name), CANARY, { mode: 0o640 });
  const expect = (folder: string, names: readonly string[]) => {
    const found = readdirSync(join(base, folder)).filter((name) => !names.includes(name));
    return found.map((name) => `${folder}/${name} appeared`);
  };
  const touched = (name: string) => {
    const at = lstatSync(join(base, name), { throwIfNoEntry: false });
    const same = at?.isFile() && (at.mode & 0o7777) === 0o640 && at.nlink === 1;
    return same && readFileSync(join(base, name), 'utf8') === CANARY ? [] : [`${name} changed`];
  };
  return {
    target,
    base,
    escapes: () => [
      ...expect('', ['canary', 'other', 'work']),
      ...expect('other', ['canary']),
      ...expect('work', ['target']),
      ...touched('canary'),
      ...touched('other/canary'),
    ],
    appeared: () => readdirSync(join(base, 'work')).length > 0,
    clear() {
      try {
        rmSync(target, { recursive: true, force: true });
      } catch {
        // Folders of a bundle may be locked even to their owner.
        execFileSync('chmod', ['-R', 'u+rwx', target]);
        rmSync(target, { recursive: true, force: true });
      }
      chmodSync(base, 0o700);
    },
  };
}
