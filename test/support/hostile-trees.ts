/** Trees no honest program writes, and a place to restore them where harm would show. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ArtifactReader, Content, TreeEntry } from '../../src/engine/sources/port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const NOTHING: Content = { sizeBytes: 0, depth: 0, refs: Buffer.alloc(0) };
const DATA: Content = { sizeBytes: 5, depth: 0, refs: Buffer.alloc(36) };
const latin1 = (text: string) => Buffer.from(text, 'latin1');

export function entry(path: string, type: TreeEntry['type'], more: Partial<TreeEntry> = {}): TreeEntry {
  const isFile = type === 'file' && !more.hardLinkTo;
  return {
    path: latin1(path),
    type,
    mode: type === 'folder' ? 0o755 : 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user: '',
    group: '',
    modifiedAtNs: 1_600_000_000_000_000_000n,
    changedAtNs: 0n,
    inode: 1n,
    sizeBytes: isFile ? 5 : 0,
    linkTarget: null,
    hardLinkTo: null,
    deviceNumber: 0n,
    extents: null,
    content: isFile ? DATA : null,
    ...more,
  };
}

export const root = entry('', 'folder');
export const folder = (path: string) => entry(path, 'folder');
export const file = (path: string, more: Partial<TreeEntry> = {}) => entry(path, 'file', more);
export const link = (path: string, target: string) => entry(path, 'symlink', { linkTarget: latin1(target) });
export const hard = (path: string, target: string) => entry(path, 'file', { hardLinkTo: latin1(target) });

/** Gives out entries as they are: what a hostile decoder would let through. */
export function readerOf(entries: readonly TreeEntry[]): ArtifactReader {
  return {
    async *read() {
      yield Buffer.from('EVIL!');
    },
    async *entries() {
      yield* entries;
    },
  };
}

/** Everything about the outside that a restore could have touched. */
export function lookAt(outside: string): unknown {
  return fs
    .readdirSync(outside, { recursive: true, encoding: 'utf8' })
    .sort()
    .concat('.')
    .map((name) => {
      const path = join(outside, name);
      const { mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true });
      return {
        name,
        mode,
        uid,
        gid,
        size,
        ino,
        nlink,
        mtimeNs,
        ctimeNs,
        text: fs.lstatSync(path).isFile() ? fs.readFileSync(path, 'utf8') : null,
      };
    });
}

export async function makeSandbox(t: TestContext): Promise<{ base: string; outside: string }> {
  const base = await temporaryFolder(t);
  const outside = join(base, 'outside');
  fs.mkdirSync(join(outside, 'deep'), { recursive: true });
  fs.writeFileSync(join(outside, 'secret'), 'secret', { mode: 0o600 });
  fs.chmodSync(outside, 0o777);
  return { base, outside };
}

/** What a careless program does: joins and writes. */
export function restoreCarelessly(target: string, entries: readonly TreeEntry[]): void {
  for (const { path, type, linkTarget, hardLinkTo } of entries) {
    const place = join(target, path.toString('latin1'));
    try {
      if (type === 'folder') fs.mkdirSync(place, { recursive: true });
      else if (type === 'symlink') fs.symlinkSync(linkTarget!, place);
      else if (hardLinkTo) fs.linkSync(join(target, hardLinkTo.toString('latin1')), place);
      else fs.writeFileSync(place, 'EVIL!');
    } catch {
      // The next one.
    }
  }
}
