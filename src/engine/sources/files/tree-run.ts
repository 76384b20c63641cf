import type { SourceContext, TreeEntry } from '../port.ts';
import type { FolderHandle } from './handles.ts';
import type { OwnerNames } from './owners.ts';
import type { FilesThreads, ReadJob } from './threads.ts';
import type { WalkBatch } from './walk-batch.ts';

/** A root that exists: its folder is open, and its symlinks, if it was reached through any, are resolved. */
export interface OpenRoot {
  /** As the operator wrote it. */
  readonly given: string;
  readonly folder: FolderHandle;
  /** For a root that is not a folder: its name in `folder`, and the name it gets in the tree (both raw). */
  readonly single: { readonly name: string; readonly as: Buffer } | null;
}

export interface TreeRun {
  readonly root: OpenRoot;
  readonly threads: FilesThreads;
  readonly context: SourceContext;
  readonly owners: OwnerNames;
  readonly excludes: readonly string[];
  readonly oneFileSystem: boolean;
}

export const ACTION = { add: 0, reuse: 1, readSmall: 2, readLarge: 3, link: 4 } as const;

/** A batch with the decision for every entry, its small files queued for reading. */
export interface PreparedBatch {
  readonly batch: WalkBatch;
  /** The batch's names, copied out of the shared memory. */
  readonly text: Buffer;
  readonly entries: readonly TreeEntry[];
  /** What the previous backup has under the same path. */
  readonly previous: readonly (TreeEntry | null)[];
  /** For files with several names: their number in the table of links; -1 for all others. */
  readonly files: Int32Array;
  readonly actions: Uint8Array;
  readonly jobs: readonly ReadJob[];
}
