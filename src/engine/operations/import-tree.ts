import { createReadStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { escapePath } from '../base/escape-path.ts';
import type { Progress } from '../base/progress.ts';
import { compareTreePaths } from '../base/tree-order.ts';
import { type BundleLimits, malformed } from '../bundle/limits.ts';
import type { TreeArtifact, TreeEntry, TreeSink } from '../sources/port.ts';
import { spoolTo } from './import-recognise.ts';
import { type ForeignEntry, readForeignTar } from './import-tar.ts';

export interface UnpackedTar {
  /** Regular files, under names of our own in the scratch folder; `name` is the last part of the name in the tar. */
  readonly files: readonly { readonly path: string; readonly name: string }[];
  readonly sizeBytes: number;
  /** Leaves a file out of the tree: it is stored by itself. */
  take(path: string): void;
  /** All that was not taken; null when nothing is left but folders. */
  tree(): TreeArtifact | null;
}

interface Member extends Omit<ForeignEntry, 'content'> {
  /** Null for what has no content. */
  readonly spool: string | null;
}

/** Of members held in memory at a few hundred bytes each. */
const MAX_MEMBERS = 1_000_000;
const TREE_NAME = 'files';
const SIDE_FILE = /-(wal|shm|journal)$/;

/**
 * Unpacks a tar into files named by numbers, so that no name of the tar ever reaches the disk. A later member takes the place of one of the
 * same name, as when unpacking. Throws `bundle_malformed`, `path_unsafe`, `limit_exceeded`, `source_failed`.
 */
export async function unpackTar(
  source: AsyncIterable<Uint8Array>,
  scratchFolder: string,
  limits: BundleLimits,
  progress: Progress,
): Promise<UnpackedTar> {
  const folder = join(scratchFolder, 'tar');
  await mkdir(folder, { mode: 0o700 });
  const members = new Map<string, Member>();
  let sizeBytes = 0;
  let count = 0;
  const bounded = { ...limits, maxEntries: Math.min(limits.maxEntries, MAX_MEMBERS) };
  for await (const { content, ...entry } of readForeignTar(source, bounded)) {
    if (entry.kind === 'other') {
      progress.warn(`${escapePath(entry.path)} was left out: it is a device or a pipe`);
      continue;
    }
    count += 1;
    const spool = entry.kind === 'file' ? join(folder, `${count}`) : null;
    if (spool) sizeBytes += await spoolTo(spool, content);
    const key = entry.path.toString('latin1');
    members.delete(key);
    members.set(key, { ...entry, spool });
  }
  await reuniteSideFiles(members);
  const taken = new Set<string>();
  return {
    sizeBytes,
    files: [...members.values()]
      .filter(({ spool, path }) => spool !== null && !SIDE_FILE.test(path.toString('latin1')))
      .map(({ spool, path }) => ({ path: spool!, name: lastPart(path) })),
    take: (path) => void taken.add(path),
    tree() {
      const left = [...members.values()].filter(({ spool }) => !isTaken(spool, taken));
      return left.some(({ kind }) => kind !== 'folder') ? treeOf(left) : null;
    },
  };
}

/** With their databases go also their logs. */
function isTaken(spool: string | null, taken: ReadonlySet<string>): boolean {
  return spool !== null && taken.has(spool.replace(SIDE_FILE, ''));
}

/** A WAL lies beside its database also under the names of our own, where SQLite looks for it. */
async function reuniteSideFiles(members: Map<string, Member>): Promise<void> {
  for (const [key, member] of members) {
    const end = SIDE_FILE.exec(key)?.[0];
    const database = end === undefined ? undefined : members.get(key.slice(0, -end.length));
    if (!database?.spool || !member.spool || end === undefined) continue;
    const spool = database.spool + end;
    await rename(member.spool, spool);
    members.set(key, { ...member, spool });
  }
}

function lastPart(path: Buffer): string {
  const text = escapePath(path);
  return text.slice(text.lastIndexOf('/') + 1) || 'file';
}

function treeOf(members: readonly Member[]): TreeArtifact {
  return {
    form: 'tree',
    name: TREE_NAME,
    kind: 'tree',
    async produce(sink) {
      const entries = inOrder(members);
      let files = 0;
      for (const { entry, spool } of entries) {
        if (spool === null) await sink.add(entry);
        else {
          files += 1;
          await writeFile(sink, entry, spool);
        }
      }
      return { facts: { entries: entries.length, files }, problems: [] };
    },
  };
}

async function writeFile(sink: TreeSink, entry: TreeEntry, spool: string): Promise<void> {
  await sink.begin(null);
  for await (const bytes of createReadStream(spool, { highWaterMark: 1 << 20 }))
    await sink.write(bytes as Buffer);
  await sink.commit(entry);
}

interface Placed {
  readonly entry: TreeEntry;
  /** Null for what has no content of its own. */
  readonly spool: string | null;
}

/** Every entry with the folders above it, in tree order. Of files that are one, the first in that order has the content. */
function inOrder(members: readonly Member[]): Placed[] {
  const byPath = new Map(members.map((member) => [member.path.toString('latin1'), member]));
  const firsts = new Map<Member, Buffer>();
  const placed: Placed[] = [];
  const all = [...members, ...missingFolders(byPath)].sort((a, b) => compareTreePaths(a.path, b.path));
  for (const member of all) {
    if (member.kind !== 'file' && member.kind !== 'hardlink') {
      placed.push({ entry: entryOf(member, member, null), spool: null });
      continue;
    }
    const file = fileOf(byPath, member);
    const first = firsts.get(file);
    if (first === undefined) firsts.set(file, member.path);
    placed.push({
      entry: entryOf(member, file, first ?? null),
      spool: first === undefined ? file.spool : null,
    });
  }
  return placed;
}

function fileOf(byPath: ReadonlyMap<string, Member>, member: Member): Member {
  let found: Member | undefined = member;
  for (let steps = 0; found?.kind === 'hardlink' && steps < 100; steps += 1)
    found = byPath.get(found.linkTarget!.toString('latin1'));
  if (found?.kind === 'file') return found;
  throw malformed(`holds "${escapePath(member.path)}", a link to a file that it does not hold`);
}

function* missingFolders(byPath: Map<string, Member>): Generator<Member> {
  for (const { path, modifiedAtNs } of [...byPath.values()]) {
    for (let key = path.toString('latin1'); key !== ''; ) {
      key = key.slice(0, Math.max(0, key.lastIndexOf('/')));
      const found = byPath.get(key);
      if (found && found.kind !== 'folder')
        throw malformed(`names "${escapePath(found.path)}" both a folder and something else`);
      if (found) continue;
      const folder: Member = {
        ...{
          path: Buffer.from(key, 'latin1'),
          kind: 'folder',
          mode: 0o755,
          uid: 0,
          gid: 0,
          user: '',
          group: '',
        },
        ...{ modifiedAtNs, sizeBytes: 0, linkTarget: null, spool: null },
      };
      byPath.set(key, folder);
      yield folder;
    }
  }
}

function entryOf(member: Member, file: Member, first: Buffer | null): TreeEntry {
  const { mode, uid, gid, user, group, modifiedAtNs, sizeBytes } = file;
  const { kind } = member;
  return {
    ...{ path: member.path, mode, uid, gid, user, group, modifiedAtNs, changedAtNs: modifiedAtNs },
    type: kind === 'hardlink' ? 'file' : (kind as 'file' | 'folder' | 'symlink'),
    ...{ inode: 0n, deviceNumber: 0n, extents: null, content: null },
    sizeBytes: kind === 'folder' || kind === 'symlink' ? 0 : sizeBytes,
    linkTarget: kind === 'symlink' ? member.linkTarget : null,
    hardLinkTo: first,
  };
}
