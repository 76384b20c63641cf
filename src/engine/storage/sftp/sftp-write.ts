import { HoldfastError } from '../../base/errors.ts';
import type { StorageOptions } from '../port.ts';
import { STATUS, statusOf } from './sftp-failure.ts';
import { hashRemote } from './sftp-read.ts';
import type { SftpSession } from './sftp-session.ts';
import type { Part, Upload } from './sftp-upload.ts';

export const FILE_MODE = 0o600;
/** With less than this left, a refusal that names no reason means a full disk. */
const NEARLY_FULL_BYTES = 1 << 20;

/**
 * Writes a file, durable where the server can sync, and checks the size the server then says it has. After a resumed
 * upload it is read back as well: a server that restarted may have lost what it confirmed and had not synced.
 */
export async function writeRemote(
  session: SftpSession,
  path: string,
  upload: Upload,
  options: StorageOptions,
): Promise<void> {
  const { isResumed } = upload;
  const handle = await session.open(path, isResumed ? 'w' : 'wx', FILE_MODE);
  try {
    await writeParts(session, handle, upload, options);
    const [, stored] = await Promise.all([session.sync(handle), session.sizeOf(handle)]);
    if (stored !== upload.sizeBytes) {
      throw new HoldfastError(
        'storage_io',
        `${path}: the server has ${stored} of ${upload.sizeBytes} bytes written to it`,
      );
    }
    if (isResumed && !(await hashRemote(session, path)).equals(upload.sha256())) {
      throw new HoldfastError('storage_io', `${path}: the server lost bytes when the connection broke`);
    }
  } catch (error) {
    const explained = await explainRefusal(session, path, error);
    await session.close(handle).catch(() => {});
    throw explained;
  }
  await session.close(handle);
}

async function writeParts(
  session: SftpSession,
  handle: Buffer,
  upload: Upload,
  options: StorageOptions,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | null = null;
  const send = (part: Part) => {
    const written: Promise<void> = session
      .write(handle, part.bytes, part.position)
      .then(
        () => upload.confirm(part),
        (error: unknown) => {
          failure ??= { error };
        },
      )
      .finally(() => underWay.delete(written));
    underWay.add(written);
  };
  const throwFailure = () => {
    if (failure) throw failure.error;
  };
  try {
    for await (const part of upload.parts()) {
      await options.pace?.(part.bytes.length);
      await session.room(part.bytes.length);
      send(part);
      throwFailure();
      options.signal?.throwIfAborted();
    }
    options.signal?.throwIfAborted();
  } finally {
    await Promise.all(underWay);
  }
  throwFailure();
}

/** The protocol has one word, "failure", for a full disk, a quota and a broken disk. */
async function explainRefusal(session: SftpSession, path: string, error: unknown): Promise<unknown> {
  if (statusOf(error) !== STATUS.failure) return error;
  const space = await session.freeSpace(path).catch(() => null);
  if (space && (space.bytes < NEARLY_FULL_BYTES || space.files === 0)) {
    const what = space.files === 0 ? 'no more files fit' : `${space.bytes} bytes are free`;
    return new HoldfastError('storage_full', `the server refused to write: ${what}`, { cause: error });
  }
  return new HoldfastError('storage_io', 'the server refused to write and gave no reason', {
    cause: error,
    next: 'check its disk, and whether the user has used up a quota',
  });
}
