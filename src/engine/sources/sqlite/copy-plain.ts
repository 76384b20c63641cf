import {
  chmodSync,
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';

/** How often the growing copy is looked at. */
const LOOK_MS = 200;
/** SQLite locks bytes of the page that begins here, and never uses it. */
const LOCK_PAGE_AT = 0x40000000;

export interface PlainCopy {
  readonly path: string;
  /** Must not exist. */
  readonly copy: string;
  readonly pageSize: number;
  /** Of SQLite, as `sqlite_version()` tells it. */
  readonly sqliteVersion: string;
  readonly onBytes: (bytes: number) => void;
  /** An abort is not waited for: what is under way then ends with the process. */
  readonly signal: AbortSignal;
}

/**
 * Copies the file as it lies on disk, which the system does at the speed of memory or by sharing blocks, where that is what the read
 * transaction of `database` shows: then nobody changes the file until the transaction ends. The bytes are those that SQLite's own backup
 * makes. False when it is not so; then nothing was made. Closing the file gives up every lock that this process has on it: `database` shows
 * nothing certain afterwards, and this is only for a process of its own.
 */
export async function copyPlain(database: DatabaseSync, copying: PlainCopy): Promise<boolean> {
  const { path, copy, pageSize, sqliteVersion, onBytes, signal } = copying;
  const pageCount = numberOf(database, 'page_count');
  const sizeBytes = pageCount * pageSize;
  if (pageCount === 0 || statSync(path).size !== sizeBytes || !fileIsWhole(database, path)) return false;
  let told = 0;
  const tell = (bytes: number) => {
    if (bytes > told) onBytes(bytes - told);
    told = Math.max(told, bytes);
  };
  const timer = setInterval(() => {
    stat(copy).then(
      ({ size }) => tell(size),
      () => {},
    );
  }, LOOK_MS);
  try {
    const copied = copyFile(path, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await Promise.race([copied, aborted(signal)]);
  } finally {
    clearInterval(timer);
  }
  // It came with the mode of the original.
  chmodSync(copy, 0o600);
  finish(copy, pageSize, sizeBytes, versionNumber(sqliteVersion));
  tell(sizeBytes);
  return true;
}

/** Never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

const numberOf = (database: DatabaseSync, pragma: string) =>
  Number(Object.values(database.prepare(`pragma ${pragma}`).get()!)[0]);

/** Of SQLite as its files name it: 3.53.4 is 3053004. */
function versionNumber(version: string): number {
  const [major, minor, patch] = version.split('.').map(Number);
  return major! * 1_000_000 + minor! * 1000 + patch!;
}

/** True when nothing of what the transaction shows lies in a WAL alone. */
function fileIsWhole(database: DatabaseSync, path: string): boolean {
  const mode = Object.values(database.prepare('pragma journal_mode').get()!)[0];
  if (mode !== 'wal') return true;
  const real = realpathSync(path);
  const wal = statSync(`${real}-wal`, { throwIfNoEntry: false });
  return !wal || wal.size === 0 || isCarriedOver(`${real}-shm`);
}

/** https://www.sqlite.org/walformat.html: the header of the index, a copy of it, and how many frames the checkpoints carried over. */
const WAL_INDEX = { version: 3_007_000, headerBytes: 48, lastFrameAt: 16, carriedOverAt: 96, bytes: 100 };

/**
 * True when the checkpoints have carried every frame over, also those of commits made after the transaction began: then there are none of
 * these, since no checkpoint goes beyond what the oldest reader sees.
 */
function isCarriedOver(shm: string): boolean {
  const bytes = Buffer.alloc(WAL_INDEX.bytes);
  try {
    // Never closed: that would drop the lock of the transaction. The process ends soon.
    if (readSync(openSync(shm, 'r'), bytes) !== bytes.length) return false;
  } catch {
    return false;
  }
  const number = (at: number) => (endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const { headerBytes, lastFrameAt, carriedOverAt } = WAL_INDEX;
  const isSettled = bytes.subarray(0, headerBytes).equals(bytes.subarray(headerBytes, 2 * headerBytes));
  return isSettled && number(0) === WAL_INDEX.version && number(lastFrameAt) === number(carriedOverAt);
}

/** What SQLite's backup writes into a new file: its own counters begin anew, so that the copy of the same content always is the same. */
function finish(copy: string, pageSize: number, sizeBytes: number, version: number): void {
  const file = openSync(copy, 'r+');
  try {
    const write = (value: number, at: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      writeSync(file, bytes, 0, 4, at);
    };
    for (const at of [24, 40, 92]) write(1, at);
    write(version, 96);
    if (sizeBytes > LOCK_PAGE_AT) writeSync(file, Buffer.alloc(pageSize), 0, pageSize, LOCK_PAGE_AT);
  } finally {
    closeSync(file);
  }
}
