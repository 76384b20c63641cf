import type { Facts, TreeEntry, TreeFacts, TreeProblem } from '../port.ts';
import { escapePath } from './escape-path.ts';
import type { WalkResult } from './walk-tree.ts';

/** More problems than this are counted, not named. */
const PROBLEMS_NAMED = 10_000;

/** Counts of one artifact's run; plain numbers, written by whoever does the thing counted. */
export interface Tally {
  readonly types: Record<TreeEntry['type'], number>;
  hardLinks: number;
  bytes: number;
  /** Files taken over from the previous backup without being opened. */
  unchanged: number;
  /** Files that were opened. */
  opened: number;
  /** Gone between listing and reading: normal on a live tree, therefore no problem. */
  vanished: number;
  /** Files whose previous version was kept because the current one could not be read. */
  keptPrevious: number;
  problem(path: Buffer, cause: TreeProblem['cause'], message: string): void;
  facts(root: string, walk: WalkResult): TreeFacts;
}

const CAUSE_OF: Readonly<Record<string, TreeProblem['cause']>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  ENOTDIR: 'changing',
  EINVAL: 'changing',
  ESTALE: 'changing',
  ENOENT: 'vanished',
};

export function newTally(): Tally {
  const types = { file: 0, folder: 0, symlink: 0, fifo: 0, socket: 0, block: 0, character: 0 };
  const problems: TreeProblem[] = [];
  let more = 0;
  const tally: Tally = {
    types,
    hardLinks: 0,
    bytes: 0,
    unchanged: 0,
    opened: 0,
    vanished: 0,
    keptPrevious: 0,
    problem(path, cause, message) {
      if (problems.length < PROBLEMS_NAMED) problems.push({ path: escapePath(path), cause, message });
      else more += 1;
    },
    facts(root, walk) {
      for (const { path, code } of walk.problems) {
        const cause = CAUSE_OF[code] ?? 'io';
        tally.problem(Buffer.from(path, 'latin1'), cause, `could not be looked at (${code})`);
      }
      const facts: Facts = {
        root,
        files: types.file,
        folders: types.folder,
        symlinks: types.symlink,
        fifos: types.fifo,
        sockets: types.socket,
        devices: types.block + types.character,
        hardLinks: tally.hardLinks,
        bytes: tally.bytes,
        unchanged: tally.unchanged,
        opened: tally.opened,
        vanished: tally.vanished + walk.vanished,
        keptPrevious: tally.keptPrevious,
        excluded: walk.excluded,
        otherFileSystems: walk.otherFileSystems,
        problemsNotNamed: more + walk.problemsMore,
        missing: false,
      };
      return { facts, problems };
    },
  };
  return tally;
}
