import ssh2, { type FileEntryWithStats, type SFTPWrapper, type Stats } from 'ssh2';
import { byteBudget } from './byte-budget.ts';
import { ConnectionLost, STATUS, statusOf } from './sftp-failure.ts';

export interface RemoteFile {
  readonly kind: 'file' | 'folder' | 'other';
  readonly sizeBytes: number;
  /** Whole seconds, by the server's clock. */
  readonly modifiedAtMs: number;
}

export interface RemoteEntry extends RemoteFile {
  readonly name: string;
}

/**
 * One connection, as promises. Calls may run side by side. They throw an error with the server's status (`statusOf`), or
 * `ConnectionLost`: then the session is over, and so is everything that was under way.
 */
export interface SftpSession {
  /** To read, to write a new file, or to go on writing one that is there. */
  open(path: string, flags: OpenFlags, mode: number): Promise<Buffer>;
  close(handle: Buffer): Promise<void>;
  /** Fills `into` from `position` as far as one answer reaches. 0 is the end of the file. */
  read(handle: Buffer, into: Buffer, position: number): Promise<number>;
  /** Waits until `bytes` more may be under way to the server; every write needs this before it. */
  room(bytes: number): Promise<void>;
  /** Copies the bytes before it returns. */
  write(handle: Buffer, bytes: Uint8Array, position: number): Promise<void>;
  sizeOf(handle: Buffer): Promise<number>;
  /** False when the server has no way to sync. */
  sync(handle: Buffer): Promise<boolean>;
  /** What the name itself is, links not followed; null when there is nothing. */
  stat(path: string): Promise<RemoteFile | null>;
  openFolder(path: string): Promise<Buffer>;
  /** The next entries of a folder, `.` and `..` included; null at the end. */
  readFolder(handle: Buffer): Promise<RemoteEntry[] | null>;
  makeFolder(path: string, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes a second name, never over an existing one. False when the server has no hard links. */
  link(from: string, to: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  /** Null when the server does not say. */
  freeSpace(path: string): Promise<{ readonly bytes: number; readonly files: number } | null>;
  readonly isLost: boolean;
  /** Ends the connection; what is under way throws `ConnectionLost`. */
  end(reason: string): void;
}

/** Of all files together, and as much as OpenSSH takes in before it waits: more would only queue up here, in memory. */
const BYTES_UNDER_WAY = 2 * 2 ** 20;

type OpenFlags = 'r' | 'wx' | 'w';
/** In the protocol, to go on is not to read, create or cut off; none of the names of ssh2 stands for that. */
const OPEN_FLAGS = { r: 'r', wx: 'wx', w: ssh2.utils.sftp.OPEN_MODE.WRITE } as const;

type Done<T> = (error: Error | null | undefined, value?: T) => void;

/**
 * Wraps a channel of ssh2. A server that owes answers and gives none for `silenceMs` counts as gone: a limit on silence
 * and not on a call, since a slow line may need long for what is queued. `hangUp` closes the transport.
 */
export function sftpSession(sftp: SFTPWrapper, silenceMs: number, hangUp: () => void): SftpSession {
  const pending = new Set<(error: Error) => void>();
  const budget = byteBudget(BYTES_UNDER_WAY);
  let lost: ConnectionLost | null = null;
  let timer: NodeJS.Timeout | null = null;

  const end = (reason: string) => {
    if (lost) return;
    lost = new ConnectionLost(reason);
    if (timer) clearTimeout(timer);
    hangUp();
    for (const reject of pending) reject(lost);
    pending.clear();
    budget.fail(lost);
  };
  const answered = () => {
    if (pending.size > 0) timer?.refresh();
    else if (timer) {
      clearTimeout(timer);
      timer = null;
    }
  };
  const ask = <T>(send: (done: Done<T>) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (lost) return reject(lost);
      pending.add(reject);
      timer ??= setTimeout(() => end(`it gave no answer for ${silenceMs / 1000} seconds`), silenceMs);
      const done: Done<T> = (error, value) => {
        if (lost) return;
        if (error && isEndOfSession(error)) return end(error.message);
        pending.delete(reject);
        answered();
        if (error) reject(error);
        else resolve(value as T);
      };
      try {
        send(done);
      } catch (error) {
        pending.delete(reject);
        answered();
        reject(error);
      }
    });
  sftp.on('close', () => end('it closed the connection'));
  sftp.on('error', (error: Error) => end(error.message));

  return {
    ...fileCalls(sftp, ask),
    room: budget.take,
    write: (handle, bytes, position) =>
      ask<void>((done) => sftp.write(handle, asBuffer(bytes), 0, bytes.length, position, done)).finally(() =>
        budget.give(bytes.length),
      ),
    ...folderCalls(sftp, ask),
    get isLost() {
      return lost !== null;
    },
    end,
  };
}

type Ask = <T>(send: (done: Done<T>) => void) => Promise<T>;

function fileCalls(sftp: SFTPWrapper, ask: Ask) {
  return {
    open: (path: string, flags: OpenFlags, mode: number) =>
      ask<Buffer>((done) => sftp.open(path, OPEN_FLAGS[flags], { mode }, done)),
    close: (handle: Buffer) => ask<void>((done) => sftp.close(handle, done)),
    read: (handle: Buffer, into: Buffer, position: number) =>
      ask<number>((done) => sftp.read(handle, into, 0, into.length, position, done)).catch(endAsZero),
    sizeOf: async (handle: Buffer) => (await ask<Stats>((done) => sftp.fstat(handle, done))).size,
    sync: (handle: Buffer) => whereOffered(ask<void>((done) => sftp.ext_openssh_fsync(handle, done))),
  };
}

function folderCalls(sftp: SFTPWrapper, ask: Ask) {
  return {
    stat: (path: string) =>
      ask<Stats>((done) => sftp.lstat(path, done)).then(remoteFile, (error: unknown) => {
        if (statusOf(error) === STATUS.noSuchFile) return null;
        throw error;
      }),
    openFolder: (path: string) => ask<Buffer>((done) => sftp.opendir(path, done)),
    readFolder: (handle: Buffer) =>
      ask<FileEntryWithStats[]>((done) => sftp.readdir(handle, done as Done<FileEntryWithStats[]>)).then(
        (entries) => entries.map(({ filename, attrs }) => ({ name: filename, ...remoteFile(attrs) })),
        (error: unknown) => {
          if (statusOf(error) === STATUS.eof) return null;
          throw error;
        },
      ),
    makeFolder: (path: string, mode: number) => ask<void>((done) => sftp.mkdir(path, { mode }, done)),
    remove: (path: string) => ask<void>((done) => sftp.unlink(path, done)),
    link: (from: string, to: string) =>
      whereOffered(ask<void>((done) => sftp.ext_openssh_hardlink(from, to, done))),
    rename: (from: string, to: string) => ask<void>((done) => sftp.rename(from, to, done)),
    async freeSpace(path: string) {
      let facts: Record<string, unknown> | null = null;
      const offered = await whereOffered(
        ask<Record<string, unknown>>((done) => sftp.ext_openssh_statvfs(path, done)).then((found) => {
          facts = found;
        }),
      );
      return offered && facts ? spaceOf(facts) : null;
    },
  };
}

function spaceOf(facts: Record<string, unknown>) {
  const number = (name: string) => Number(facts[name] ?? Number.NaN);
  const bytes = number('f_bavail') * (number('f_frsize') || number('f_bsize'));
  // File systems without a table of inodes say 0 of 0.
  const files = number('f_files') === 0 ? Number.POSITIVE_INFINITY : number('f_favail');
  return Number.isFinite(bytes) ? { bytes, files } : null;
}

/** False when the server does not have an extension: ssh2 throws without a status, servers answer `unsupported`. */
async function whereOffered(call: Promise<void>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (statusOf(error) === STATUS.unsupported) return false;
    if (error instanceof Error && /does not support this extended request/.test(error.message)) return false;
    throw error;
  }
}

/** ssh2 gives errors without a status for calls that no answer came to. */
function isEndOfSession(error: Error): boolean {
  const status = statusOf(error);
  return status === null || status === STATUS.noConnection || status === STATUS.connectionLost;
}

function endAsZero(error: unknown): number {
  if (statusOf(error) === STATUS.eof) return 0;
  throw error;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function remoteFile(stats: Stats): RemoteFile {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
    sizeBytes: stats.size,
    modifiedAtMs: stats.mtime * 1000,
  };
}
