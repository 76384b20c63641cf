import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { TreeEntry } from '../port.ts';
import { escapePath } from './escape-path.ts';
import type { FolderHandle } from './handles.ts';
import type { MetadataPolicy } from './metadata.ts';
import { placedFiles } from './placed-files.ts';
import { entryWriter, type OpenFile } from './restore-entries.ts';
import { type FolderStack, folderStack } from './restore-folders.ts';
import type { Placement } from './restore-records.ts';

export interface PlacerOptions {
  readonly root: FolderHandle;
  readonly policy: MetadataPolicy;
  /** One entry, straight into `root`, of whose own metadata nothing is known. */
  readonly isSingle: boolean;
  /** What has an entry's name already gives way. */
  readonly replace: boolean;
  /** Nobody sees the target before it is whole: files are made under their final names at once. */
  readonly isApart: boolean;
}

/**
 * Makes entries in tree order, with plain synchronous calls. Throws `path_unsafe`, `target_failed`,
 * `target_not_empty`, `restore_mismatch`, `tool_missing`; after a failure only `abandon` may be called.
 */
export interface Placer {
  /** Makes an entry. A file (that is no hard link) is open afterwards, until `end`. */
  begin(placement: Placement): void;
  /** The open file's next bytes: its extents joined. */
  write(bytes: Uint8Array): void;
  /** The open file is whole. */
  end(): void;
  /** Every entry is made: folders get their metadata. */
  finish(): void;
  /** Closes everything that is open; a file that is not whole goes. Never throws. */
  abandon(): void;
}

/** System errors become errors about the entry; ours pass. */
function explain(entry: TreeEntry | null, error: unknown): unknown {
  const code = systemCode(error);
  if (entry === null || error instanceof HoldfastError || code === null) return error;
  const path = escapePath(entry.path);
  if (code === 'ELOOP' || code === 'ENOTDIR') {
    return new HoldfastError('path_unsafe', `${path}: something else took the place of a folder`, {
      cause: error,
    });
  }
  return new HoldfastError('target_failed', `${path} could not be written: ${code}`, { cause: error });
}

export function treePlacer({ root, policy, isSingle, replace, isApart }: PlacerOptions): Placer {
  const writer = entryWriter(policy, { replace, isApart });
  const placed = placedFiles();
  let folders: FolderStack | null = null;
  let open: { readonly file: OpenFile; readonly placement: Placement } | null = null;
  let last: TreeEntry | null = null;

  const make = (placement: Placement) => {
    const { entry, path, linkTo } = placement;
    if (!isSingle) folders ??= folderStack(root, { ...entry, path: Buffer.alloc(0) }, policy);
    if (entry.type === 'folder') {
      if (path !== '') folders?.enter(path, entry);
      return;
    }
    const parent = folders?.parentOf(path) ?? root;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (entry.type === 'symlink') writer.symlink(parent, name, entry);
    else if (entry.type !== 'file') writer.special(parent, name, entry);
    else if (linkTo === null) open = { file: writer.open(parent, name, entry), placement };
    else {
      const target = placed.get(linkTo);
      if (target === null) throw new HoldfastError('internal', 'a hard link precedes its file');
      writer.hardLink(root, linkTo, target, parent, name);
    }
  };
  const explained = (work: () => void) => {
    try {
      work();
    } catch (error) {
      throw explain(last, error);
    }
  };
  return {
    begin(placement) {
      last = placement.entry;
      explained(() => make(placement));
    },
    write: (bytes) => explained(() => open!.file.write(bytes)),
    end() {
      explained(() => {
        const { file, placement } = open!;
        open = null;
        const identity = file.end(placement.isLinkTarget);
        if (identity) placed.add(placement.path, identity);
      });
    },
    finish: () => explained(() => folders?.finish()),
    abandon() {
      open?.file.abandon();
      open = null;
      folders?.abandon();
    },
  };
}
