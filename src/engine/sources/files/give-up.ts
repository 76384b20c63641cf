import { lstatSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import type { TreeEntry, TreeSink } from '../port.ts';
import { escapePath } from './escape-path.ts';
import { rawPath, withParentOf } from './handles.ts';
import type { Tally } from './tally.ts';
import type { PreparedBatch, TreeRun } from './tree-run.ts';
import { pathText, READ } from './walk-batch.ts';

const MESSAGES: Readonly<
  Record<number, readonly [cause: 'changing' | 'denied' | 'vanished' | 'io', message: string]>
> = {
  [READ.changing]: ['changing', 'changed every time it was read'],
  [READ.denied]: ['denied', 'may not be read'],
  [READ.gone]: ['vanished', 'was replaced by something else while it was read'],
  [READ.failed]: ['io', 'could not be read'],
};

interface Unread {
  readonly run: TreeRun;
  readonly sink: TreeSink;
  readonly tally: Tally;
  readonly prepared: PreparedBatch;
  readonly i: number;
  readonly state: number;
}

/**
 * Notes that a file could not be read. The result is what to store in its place: the whole entry of its previous
 * version (with that version's times and size, so that nobody takes it for the current one), or null for nothing.
 * A file that is simply gone is counted, not a problem.
 */
export function giveUp({ run, sink, tally, prepared, i, state }: Unread): TreeEntry | null {
  const { path } = prepared.entries[i]!;
  if (state === READ.gone && isGone(run, prepared, i)) {
    tally.vanished += 1;
    run.context.progress.warn(`${escapePath(path)} vanished before it could be read`);
    return null;
  }
  const [cause, message] = MESSAGES[state]!;
  const previous = prepared.previous[i] ?? null;
  const kept = previous !== null && canStandIn(previous, sink);
  tally.problem(path, cause, `${message}; ${kept ? 'the previous version was kept' : 'it is left out'}`);
  if (kept) tally.keptPrevious += 1;
  return kept ? previous : null;
}

/** True when nothing has the entry's name any more. */
function isGone(run: TreeRun, prepared: PreparedBatch, i: number): boolean {
  try {
    return withParentOf(run.root.folder, pathText(prepared.batch, i), (parent, name) => {
      lstatSync(rawPath(parent.base + name));
      return false;
    });
  } catch (error) {
    const code = systemCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
  }
}

/** True when a previous version can be stored in place of a file that cannot be read. */
function canStandIn(previous: TreeEntry, sink: TreeSink): boolean {
  if (previous.type !== 'file' || previous.hardLinkTo !== null) return false;
  if (previous.content === null) return previous.sizeBytes === 0 || previous.extents !== null;
  return sink.canReuse(previous.content);
}
