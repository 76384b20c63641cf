/** An SFTP session on files in memory, whose calls a test may replace: for servers that lie and answers that get lost. */
import { posix } from 'node:path';
import { ConnectionLost, STATUS } from '../../src/engine/storage/sftp/sftp-failure.ts';
import type { SftpLink } from '../../src/engine/storage/sftp/sftp-link.ts';
import type { RemoteFile, SftpSession } from '../../src/engine/storage/sftp/sftp-session.ts';

export interface FakeServer {
  readonly files: Map<string, Buffer>;
  readonly folders: Set<string>;
  readonly session: SftpSession;
  /** Repeats work that lost its connection, at once and for ever. */
  readonly link: SftpLink;
}

const refused = (code: number) => Object.assign(new Error('Failure'), { code });

export function fakeServer(replace: (session: SftpSession) => Partial<SftpSession> = () => ({})): FakeServer {
  const files = new Map<string, Buffer>();
  const folders = new Set(['/', '/store', '/store/.tmp']);
  const unread = new Set<Buffer>();
  const need = (path: string): Buffer => {
    const found = files.get(path);
    if (!found) throw refused(STATUS.noSuchFile);
    return found;
  };
  const needFolderOf = (path: string) => {
    if (!folders.has(posix.dirname(path))) throw refused(STATUS.noSuchFile);
  };
  const statOf = (path: string): RemoteFile | null => {
    const file = files.get(path);
    if (file) return { kind: 'file', sizeBytes: file.length, modifiedAtMs: 0 };
    return folders.has(path) ? { kind: 'folder', sizeBytes: 0, modifiedAtMs: 0 } : null;
  };
  const plain: SftpSession = {
    async open(path, flags) {
      needFolderOf(path);
      if (flags !== 'wx' && !folders.has(path)) need(path);
      if (flags === 'wx') files.set(path, Buffer.alloc(0));
      return Buffer.from(path);
    },
    async close() {},
    async read(handle, into, position) {
      return need(handle.toString()).subarray(position).copy(into);
    },
    async room() {},
    async write(handle, bytes, position) {
      const before = need(handle.toString());
      const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
      before.copy(after);
      after.set(bytes, position);
      files.set(handle.toString(), after);
    },
    sizeOf: async (handle) => need(handle.toString()).length,
    sync: async () => true,
    stat: async (path) => statOf(path),
    async openFolder(path) {
      if (!folders.has(path)) throw refused(STATUS.noSuchFile);
      const handle = Buffer.from(path);
      unread.add(handle);
      return handle;
    },
    async readFolder(handle) {
      if (!unread.delete(handle)) return null;
      const folder = handle.toString();
      const isIn = (path: string) => path !== folder && posix.dirname(path) === folder;
      const entries = [...folders, ...files.keys()].filter(isIn);
      return entries.map((path) => ({ ...statOf(path)!, name: posix.basename(path) }));
    },
    async makeFolder(path) {
      needFolderOf(path);
      if (statOf(path)) throw refused(STATUS.failure);
      folders.add(path);
    },
    async remove(path) {
      need(path);
      files.delete(path);
    },
    async link(from, to) {
      const bytes = need(from);
      needFolderOf(to);
      if (files.has(to)) throw refused(STATUS.failure);
      files.set(to, bytes);
      return true;
    },
    async rename(from, to) {
      const bytes = need(from);
      needFolderOf(to);
      if (files.has(to)) throw refused(STATUS.failure);
      files.set(to, bytes);
      files.delete(from);
    },
    freeSpace: async () => ({ bytes: 10 ** 9, files: 1000 }),
    isLost: false,
    end() {},
  };
  const session = { ...plain, ...replace(plain) };
  const link: SftpLink = {
    async run(work) {
      for (;;) {
        try {
          return await work(session);
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error;
        }
      }
    },
    async ifConnected(work) {
      await work(session).catch(() => {});
    },
    close() {},
  };
  return { files, folders, session, link };
}

/** Does what a call does, and loses the answer the first time. */
export function losingAnswer<A extends unknown[], R>(work: (...args: A) => Promise<R>) {
  let isLost = false;
  return async (...args: A): Promise<R> => {
    const result = await work(...args);
    if (isLost) return result;
    isLost = true;
    throw new ConnectionLost('the answer was lost');
  };
}

/** Refuses a call with a status of the protocol. */
export function refusing(code: number): () => Promise<never> {
  return async () => {
    throw refused(code);
  };
}
