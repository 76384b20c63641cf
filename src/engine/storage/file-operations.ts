import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  opendir,
  rename,
  rm,
  statfs,
  unlink,
} from 'node:fs/promises';

/** The calls a local storage makes of the file system, so that tests can make any of them fail. */
export interface FileOperations {
  readonly open: typeof open;
  /** Writes some of the bytes and says how many; a short count is allowed. */
  write(file: FileHandle, bytes: Uint8Array): Promise<number>;
  sync(file: FileHandle): Promise<void>;
  close(file: FileHandle): Promise<void>;
  link(existing: string, fresh: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  mkdir(path: string): Promise<void>;
  readonly lstat: typeof lstat;
  readonly opendir: typeof opendir;
  readonly statfs: typeof statfs;
  readonly rm: typeof rm;
}

export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

export const systemFiles: FileOperations = {
  open,
  write: async (file, bytes) => (await file.write(bytes)).bytesWritten,
  sync: (file) => file.sync(),
  close: (file) => file.close(),
  link,
  rename,
  unlink,
  mkdir: (path) => mkdir(path, { mode: FOLDER_MODE }),
  lstat,
  opendir,
  statfs,
  rm,
};
