import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HoldfastError, newId, systemCode } from '../../engine/index.ts';

export interface Upload {
  readonly id: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface UploadLimits {
  readonly limitBytes: number;
  /** As the request declares it; null when it does not. */
  readonly declaredBytes: number | null;
  /** Hex; null when the request does not tell. */
  readonly sha256: string | null;
}

const fileOf = (folder: string, id: string) => join(folder, `${id}.bundle`);

/** The file of an upload. Throws `item_unknown`. */
export async function uploadedFile(folder: string, id: string): Promise<string> {
  const names: string[] = await readdir(folder).catch(() => []);
  // By the list, not by the path: an id is a name here and nothing else.
  if (names.includes(`${id}.bundle`)) return fileOf(folder, id);
  throw new HoldfastError('item_unknown', `there is no upload ${id}`, { next: 'upload the bundle first' });
}

/**
 * Streams an upload to disk; it counts once all of it is there and synced. One at a time is kept: a new one removes those
 * before. Throws `request_too_large`, `storage_full`, `upload_incomplete`; then nothing of it stays.
 */
export async function receiveUpload(
  folder: string,
  content: Readable,
  { limitBytes, declaredBytes, sha256 }: UploadLimits,
): Promise<Upload> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((declaredBytes ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const { bavail, bsize } = await statfs(folder);
  if ((declaredBytes ?? 0) > bavail * bsize) {
    throw new HoldfastError(
      'storage_full',
      `the upload needs ${declaredBytes} bytes, ${bavail * bsize} are free`,
    );
  }
  const id = newId();
  const beside = join(folder, `${id}.part`);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    await pipeline(
      content,
      async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          sizeBytes += chunk.length;
          if (sizeBytes > limitBytes) throw tooLarge(limitBytes);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(beside, { mode: 0o600, flags: 'wx', flush: true }),
    );
    const found = hash.digest('hex');
    if (sizeBytes === 0) throw new HoldfastError('upload_incomplete', 'the upload is empty');
    if (sha256 !== null && sha256.toLowerCase() !== found) {
      throw new HoldfastError(
        'upload_incomplete',
        'other bytes arrived than were announced by their SHA-256',
      );
    }
    for (const name of await readdir(folder)) {
      if (name.endsWith('.bundle')) await rm(join(folder, name), { force: true });
    }
    await rename(beside, fileOf(folder, id));
    await syncFolder(folder);
    return { id, sizeBytes, sha256: found };
  } catch (error) {
    await rm(beside, { force: true });
    throw uploadFailure(error, `the upload ended after ${sizeBytes} bytes`, 'send it again');
  }
}

const DISK: { readonly [code: string]: 'storage_full' | 'storage_io' } = {
  ...{ ENOSPC: 'storage_full', EDQUOT: 'storage_full' },
  ...{ EIO: 'storage_io', EFBIG: 'storage_io', EROFS: 'storage_io' },
};

/** What ended an upload: our own disk, else the connection, of which `message` tells. Ours pass unchanged. */
export function uploadFailure(error: unknown, message: string, next: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = DISK[systemCode(error) ?? ''];
  if (code === undefined) return new HoldfastError('upload_incomplete', message, { cause: error, next });
  if (code === 'storage_io') {
    return new HoldfastError(code, "the server's disk does not take the upload", { cause: error });
  }
  const options = { cause: error, next: 'free space on the server, then send the rest' };
  return new HoldfastError(code, "the server's disk is full: the upload is not all there", options);
}

export const tooLarge = (limitBytes: number) =>
  new HoldfastError('request_too_large', `uploads of more than ${limitBytes} bytes are not taken`, {
    next: 'raise HOLDFAST_UPLOAD_LIMIT_BYTES, or use holdfast bundle open on the machine itself',
  });

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}
