import { HoldfastError } from '../../base/errors.ts';
import type { PutContent, StorageOptions } from '../port.ts';
import { partsOf } from '../put-content.ts';
import { STATUS, statusOf } from './sftp-failure.ts';
import type { SftpSession } from './sftp-session.ts';

export const FILE_MODE = 0o600;
/** What OpenSSH takes in one request, header included; servers with a lower limit get it in pieces. */
const PART_BYTES = 255 * 1024;
/** With less than this left, a refusal that names no reason means a full disk. */
const NEARLY_FULL_BYTES = 1 << 20;

/** Writes a new file, durable where the server can sync, and checks the size the server then says it has. */
export async function writeRemote(
  session: SftpSession,
  path: string,
  content: PutContent,
  options: StorageOptions,
): Promise<void> {
  const handle = await session.open(path, 'wx', FILE_MODE);
  try {
    const sizeBytes = await writeParts(session, handle, content, options);
    const [, stored] = await Promise.all([session.sync(handle), session.sizeOf(handle)]);
    if (stored !== sizeBytes) {
      throw new HoldfastError(
        'storage_io',
        `${path}: the server has ${stored} of ${sizeBytes} bytes written to it`,
      );
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
  content: PutContent,
  options: StorageOptions,
): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | null = null;
  let position = 0;
  const send = (part: Uint8Array) => {
    const written: Promise<void> = session
      .write(handle, part, position)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(written));
    underWay.add(written);
    position += part.length;
  };
  const throwFailure = () => {
    if (failure) throw failure.error;
  };
  try {
    for await (const bytes of partsOf(content)) {
      for (let at = 0; at < bytes.length; at += PART_BYTES) {
        const part = bytes.subarray(at, at + PART_BYTES);
        await session.room(part.length);
        send(part);
        throwFailure();
        options.signal?.throwIfAborted();
      }
    }
    options.signal?.throwIfAborted();
  } finally {
    await Promise.all(underWay);
  }
  throwFailure();
  return position;
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
