/** Puts items into a fresh folder: files at once, links and the attributes of folders at the end. */
import { chmod, lutimes, utimes } from 'node:fs/promises';
import { HoldfastError } from '../base/errors.ts';
import { type BundleItem, type BundleItemKind, printablePath } from './bundle-item.ts';
import { failed, safeFolder, secondsText } from './safe-folder.ts';
import { openSpool, type Spool } from './spool.ts';

export interface EntryWriterOptions {
  /** Keeps setuid, setgid and sticky bits. They are dropped otherwise. */
  readonly keepSpecialBits?: boolean;
  /** What a block or character device means: `refuse` (the default) throws `path_unsafe`. None is ever made. */
  readonly devices?: 'refuse' | 'skip';
}

export interface SkippedEntry {
  readonly path: string;
  readonly kind: BundleItemKind;
}

export interface EntryWriter {
  /** `sync` makes a file durable before it returns. */
  add(item: BundleItem, sync: boolean): Promise<void>;
  /** Makes the links, then sets modes and times of folders. */
  finish(): Promise<void>;
  skipped(): readonly SkippedEntry[];
  skippedCount(): number;
  close(): Promise<void>;
}

const SKIPPED_SHOWN = 100;

/** `root` is fresh and ours alone; files that begin with `spoolPath` lie outside it and do not exist. */
export async function entryWriter(
  root: string,
  spoolPath: string,
  options: EntryWriterOptions,
): Promise<EntryWriter> {
  const folder = safeFolder(root);
  const symlinks = await openSpool(`${spoolPath}-symlinks`);
  const hardLinks = await openSpool(`${spoolPath}-hardlinks`);
  const folders = await openSpool(`${spoolPath}-folders`);
  const modeMask = options.keepSpecialBits ? 0o7777 : 0o777;
  const skipped: SkippedEntry[] = [];
  let skippedCount = 0;

  const skip = ({ path, kind }: BundleItem) => {
    if ((kind === 'block' || kind === 'character') && options.devices !== 'skip') {
      throw new HoldfastError('path_unsafe', `"${printablePath(path)}" is a device`);
    }
    skippedCount += 1;
    if (skipped.length < SKIPPED_SHOWN) skipped.push({ path: printablePath(path), kind });
  };
  // Backwards, so that a folder's children are done before its mode may lock them away.
  const each = async (spool: Spool, action: (item: Deferred) => Promise<void>) => {
    for (let i = spool.length - 1; i >= 0; i -= 1) {
      const item = decode(await spool.at(i));
      await action(item).catch((error: unknown) => {
        throw failed(error, item.path);
      });
    }
  };

  return {
    async add(item, sync) {
      if (item.kind === 'file') return folder.file(item, item.mode & modeMask, sync);
      if (item.kind === 'folder') {
        await folder.folder(item.path);
        return folders.append(encode(item));
      }
      if (item.kind === 'hardlink') {
        return (await folder.hardLink(item.path, item.linkTarget!))
          ? undefined
          : hardLinks.append(encode(item));
      }
      if (item.kind !== 'symlink') return skip(item);
      await folder.parents(item.path);
      return symlinks.append(encode(item));
    },
    async finish() {
      await each(symlinks, async ({ path, target, seconds }) => {
        await folder.symlink(path, target);
        await lutimes(folder.place(path), seconds, seconds);
      });
      await each(hardLinks, ({ path, target }) => folder.copySymlink(path, target));
      await each(folders, async ({ path, mode, seconds }) => {
        await utimes(folder.place(path), seconds, seconds);
        await chmod(folder.place(path), mode & modeMask);
      });
    },
    skipped: () => skipped,
    skippedCount: () => skippedCount,
    async close() {
      for (const spool of [symlinks, hardLinks, folders]) await spool.close();
    },
  };
}

interface Deferred {
  readonly path: Buffer;
  readonly target: Buffer;
  readonly mode: number;
  readonly seconds: string;
}

function encode(item: BundleItem): Buffer {
  const { path, linkTarget, mode, modifiedAtNs } = item;
  const seconds = secondsText(modifiedAtNs);
  const [at, to] = [path.toString('latin1'), (linkTarget ?? Buffer.alloc(0)).toString('latin1')];
  return Buffer.from(JSON.stringify([at, to, mode, seconds]));
}

function decode(record: Buffer): Deferred {
  const [path, target, mode, seconds] = JSON.parse(record.toString()) as [string, string, number, string];
  return { path: Buffer.from(path, 'latin1'), target: Buffer.from(target, 'latin1'), mode, seconds };
}
