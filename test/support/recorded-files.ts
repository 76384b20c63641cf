/**
 * What a local storage does to the file system, written down so that power losses can be played afterwards. SIGKILL keeps the
 * page cache; here whatever was not synced may be gone, in any combination, as POSIX allows and journaling file systems mostly do not.
 */
import type { FileHandle } from 'node:fs/promises';
import { relative } from 'node:path';
import { type FileOperations, systemFiles } from '../../src/engine/storage/file-operations.ts';
import type { SeededRandom } from './seed.ts';

type Change =
  | { readonly kind: 'mkdir' | 'create' | 'unlink'; readonly path: string }
  | { readonly kind: 'link' | 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly bytes: Buffer };

/** In the order of their begin; what failed changed nothing. A sync covers what began before it did. */
export type FileEvent = (
  | Change
  | { readonly kind: 'sync'; readonly path: string; readonly begunAt: number }
) & {
  failed?: true;
};

export interface RecordedFiles {
  readonly files: FileOperations;
  readonly events: readonly FileEvent[];
}

/** Paths are told relative to `root`; the empty one is `root` itself, which counts as there. */
export function recordedFiles(root: string): RecordedFiles {
  const events: FileEvent[] = [];
  const paths = new WeakMap<FileHandle, string>();
  const at = (path: string) => relative(root, path);
  const change = async <T>(event: FileEvent, work: () => Promise<T>): Promise<T> => {
    events.push(event);
    try {
      return await work();
    } catch (error) {
      event.failed = true;
      throw error;
    }
  };
  const open = async (path: string, flags: string | number, mode?: number): Promise<FileHandle> => {
    const opening = () => systemFiles.open(path, flags, mode);
    const file = flags === 'wx' ? await change({ kind: 'create', path: at(path) }, opening) : await opening();
    paths.set(file, at(path));
    return file;
  };
  const files: FileOperations = {
    ...systemFiles,
    open: open as typeof systemFiles.open,
    write: (file, bytes) =>
      change({ kind: 'write', path: paths.get(file)!, bytes: Buffer.from(bytes) }, () =>
        systemFiles.write(file, bytes),
      ),
    async sync(file) {
      const begunAt = events.length;
      await systemFiles.sync(file);
      events.push({ kind: 'sync', path: paths.get(file)!, begunAt });
    },
    link: (from, path) =>
      change({ kind: 'link', from: at(from), path: at(path) }, () => systemFiles.link(from, path)),
    rename: (from, path) =>
      change({ kind: 'rename', from: at(from), path: at(path) }, () => systemFiles.rename(from, path)),
    unlink: (path) => change({ kind: 'unlink', path: at(path) }, () => systemFiles.unlink(path)),
    mkdir: (path) => change({ kind: 'mkdir', path: at(path) }, () => systemFiles.mkdir(path)),
  };
  return { files, events };
}

interface FileNode {
  readonly kind: 'file';
  written: { readonly at: number; readonly bytes: Buffer }[];
  synced: number;
}
interface FolderNode {
  readonly kind: 'folder';
  /** Changes of names since the last sync: null takes a name away. */
  pending: { readonly at: number; readonly name: string; readonly node: Node | null }[];
  readonly durable: Map<string, Node>;
  readonly now: Map<string, Node>;
}
type Node = FileNode | FolderNode;

const newFolder = (): FolderNode => ({ kind: 'folder', pending: [], durable: new Map(), now: new Map() });

/** Files by path, as they may lie there when the power went after event number `end`. */
export function afterPowerLoss(
  events: readonly FileEvent[],
  end: number,
  random: SeededRandom,
): ReadonlyMap<string, Buffer> {
  const root = newFolder();
  for (let at = 0; at < end; at += 1) {
    const event = events[at]!;
    if (!event.failed) play(root, event, at);
  }
  const left = new Map<string, Buffer>();
  collect(root, '', random, left);
  return left;
}

function play(root: FolderNode, event: FileEvent, at: number): void {
  if (event.kind === 'sync') {
    sync(find(root, event.path)!, event.begunAt);
    return;
  }
  if (event.kind === 'write') {
    (find(root, event.path) as FileNode).written.push({ at, bytes: event.bytes });
    return;
  }
  const set = (path: string, node: Node | null) => {
    const parts = path.split('/');
    const name = parts.pop()!;
    const folder = find(root, parts.join('/')) as FolderNode;
    folder.pending.push({ at, name, node });
    if (node) folder.now.set(name, node);
    else folder.now.delete(name);
  };
  if (event.kind === 'mkdir') set(event.path, newFolder());
  else if (event.kind === 'create') set(event.path, { kind: 'file', written: [], synced: 0 });
  else if (event.kind === 'unlink') set(event.path, null);
  else if ('from' in event) {
    set(event.path, find(root, event.from)!);
    if (event.kind === 'rename') set(event.from, null);
  }
}

function find(root: FolderNode, path: string): Node | null {
  let node: Node | null = root;
  for (const part of path === '' ? [] : path.split('/')) {
    node = node?.kind === 'folder' ? (node.now.get(part) ?? null) : null;
  }
  return node;
}

function sync(node: Node, begunAt: number): void {
  if (node.kind === 'file') {
    node.synced = node.written.filter(({ at }) => at < begunAt).length;
    return;
  }
  for (const { at, name, node: entry } of node.pending) {
    if (at >= begunAt) continue;
    if (entry) node.durable.set(name, entry);
    else node.durable.delete(name);
  }
  node.pending = node.pending.filter(({ at }) => at >= begunAt);
}

/** Of names each change happened or not; of a file what was synced, and some beginning of the rest. */
function collect(folder: FolderNode, path: string, random: SeededRandom, left: Map<string, Buffer>): void {
  const entries = new Map(folder.durable);
  for (const { name, node } of folder.pending) {
    if (random.int(2) === 0) continue;
    if (node) entries.set(name, node);
    else entries.delete(name);
  }
  for (const [name, node] of entries) {
    const own = path === '' ? name : `${path}/${name}`;
    if (node.kind === 'folder') collect(node, own, random, left);
    else left.set(own, contentOf(node, random));
  }
}

function contentOf({ written, synced }: FileNode, random: SeededRandom): Buffer {
  const [safe, rest] = [written.slice(0, synced), written.slice(synced)].map((parts) =>
    Buffer.concat(parts.map(({ bytes }) => bytes)),
  ) as [Buffer, Buffer];
  return Buffer.concat([safe, rest.subarray(0, random.int(rest.length + 1))]);
}
