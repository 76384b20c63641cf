/**
 * Bundles that come in pieces. What has come stays when the connection is lost, also over a restart: how far it is says the file itself.
 * A session is removed a day after its last byte.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, HoldfastError, MINUTE_MS, newId, systemClock } from '../../engine/index.ts';
import { tooLarge, uploadFailure } from './upload.ts';
import { type UploadMeta, type UploadSession, uploadStore } from './upload-store.ts';

export type { UploadSession } from './upload-store.ts';

export interface UploadSessions {
  /** Throws `request_too_large`, `storage_full`, `too_many_attempts`. */
  create(asked: Pick<UploadMeta, 'name' | 'sizeBytes' | 'sha256' | 'userId'>): Promise<UploadSession>;
  /** Throws `item_unknown`, also for that of somebody else. */
  get(id: string, userId: string): Promise<UploadSession>;
  /**
   * Adds bytes at `offset`. What came before the connection broke stays. Throws `upload_conflict` when the upload is elsewhere or somebody
   * else is sending, `request_too_large`, `upload_incomplete`, `storage_full`; when all is there and is not what was announced, the session is gone.
   */
  append(id: string, userId: string, offset: number, content: Readable): Promise<UploadSession>;
  /** The file of a session that is complete. Throws `upload_incomplete`. */
  file(session: UploadSession): string;
  /** Remembers what became of it; the bytes go. */
  imported(session: UploadSession, backupId: string): Promise<void>;
  remove(id: string, userId: string): Promise<void>;
  /** Removes what is over. Never throws. */
  sweep(): Promise<void>;
}

const AT_ONCE = 20;

export function uploadSessions(
  folder: string,
  limitBytes: number,
  {
    clock = systemClock,
    silenceMs = MINUTE_MS,
  }: { readonly clock?: Clock; readonly silenceMs?: number } = {},
): UploadSessions {
  const { dataFile, write, all, get, erase } = uploadStore(folder, clock);
  const sending = new Set<string>();
  /** Of what came while this process lives; else it is read once more at the end. */
  const hashes = new Map<string, { readonly hash: Hash; at: number }>();

  async function sweep(): Promise<void> {
    for (const { id, expiresAtMs } of await all()) {
      if (expiresAtMs <= clock.nowMs() && !sending.has(id)) {
        hashes.delete(id);
        await erase(id);
      }
    }
  }

  async function hashOf({ id }: UploadSession): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(dataFile(id), { highWaterMark: 1 << 20 }), hash);
    return hash.digest('hex');
  }

  async function complete(session: UploadSession): Promise<UploadSession> {
    const { id, offset, expiresAtMs, ...fields } = session;
    const known = hashes.get(id);
    const sha256 = known?.at === offset ? known.hash.copy().digest('hex') : await hashOf(session);
    if (session.sha256 !== null && session.sha256.toLowerCase() !== sha256) {
      await erase(id);
      throw new HoldfastError(
        'upload_incomplete',
        'other bytes arrived than were announced by their SHA-256',
      );
    }
    hashes.delete(id);
    await write(id, { ...fields, sha256, isComplete: true });
    return { ...session, sha256, isComplete: true };
  }

  return {
    async create(asked) {
      if (asked.sizeBytes > limitBytes) throw tooLarge(limitBytes);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await sweep();
      const unfinished = (await all()).filter(({ backupId }) => backupId === null);
      if (unfinished.length >= AT_ONCE) {
        throw new HoldfastError('too_many_attempts', `${AT_ONCE} uploads are open already`, {
          next: 'end one of them, or wait a day',
        });
      }
      const promised = unfinished.reduce((sum, { sizeBytes, offset }) => sum + sizeBytes - offset, 0);
      const { bavail, bsize } = await statfs(folder);
      if (promised + asked.sizeBytes > bavail * bsize) {
        const free = Math.max(0, bavail * bsize - promised);
        throw new HoldfastError(
          'storage_full',
          `the upload needs ${asked.sizeBytes} bytes, ${free} are free`,
        );
      }
      const id = newId();
      await (await open(dataFile(id), 'wx', 0o600)).close();
      await write(id, {
        ...{ version: 1, isComplete: false, backupId: null, createdAtMs: clock.nowMs() },
        ...{ name: asked.name, sizeBytes: asked.sizeBytes, sha256: asked.sha256, userId: asked.userId },
      });
      hashes.set(id, { hash: createHash('sha256'), at: 0 });
      return get(id, asked.userId);
    },
    get,
    async append(id, userId, offset, content) {
      const before = await get(id, userId);
      if (sending.has(id))
        throw new HoldfastError('upload_conflict', `the upload ${id} is being sent already`);
      if (before.isComplete || before.offset !== offset) {
        throw new HoldfastError(
          'upload_conflict',
          `the upload ${id} is at ${before.offset}, not at ${offset}`,
        );
      }
      sending.add(id);
      // What was counted and did not reach the disk comes again, perhaps otherwise.
      if (hashes.get(id)?.at !== offset) hashes.delete(id);
      try {
        await receive(dataFile(id), content, { ...before, silenceMs }, hashes.get(id) ?? null);
        const after = await get(id, userId);
        return after.offset === after.sizeBytes ? await complete(after) : after;
      } finally {
        sending.delete(id);
      }
    },
    file({ id, isComplete, backupId }) {
      if (isComplete && backupId === null) return dataFile(id);
      throw new HoldfastError('upload_incomplete', `the upload ${id} is not complete`);
    },
    async imported({ id, offset: _, expiresAtMs: __, ...fields }, backupId) {
      await write(id, { ...fields, backupId });
      await rm(dataFile(id), { force: true });
    },
    async remove(id, userId) {
      await get(id, userId);
      if (sending.has(id)) throw new HoldfastError('upload_conflict', `the upload ${id} is being sent`);
      hashes.delete(id);
      await erase(id);
    },
    sweep: () => sweep().catch(() => {}),
  };
}

/**
 * Throws `request_too_large` for more than is missing, `upload_incomplete` when it ends early. What came stays. A line that broke without
 * a word is noticed by its silence: until then nobody else may send.
 */
async function receive(
  file: string,
  content: Readable,
  { offset, sizeBytes, silenceMs }: UploadSession & { readonly silenceMs: number },
  running: { readonly hash: Hash; at: number } | null,
): Promise<void> {
  let at = offset;
  const silence = setTimeout(() => content.destroy(new Error('nothing came any more')), silenceMs);
  try {
    await pipeline(
      content,
      async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          if (at + chunk.length > sizeBytes) {
            throw new HoldfastError(
              'request_too_large',
              `the upload has ${sizeBytes} bytes, and more were sent`,
            );
          }
          at += chunk.length;
          silence.refresh();
          yield chunk;
          if (running?.at === at - chunk.length) {
            running.hash.update(chunk);
            running.at = at;
          }
        }
        // Nobody is waited for any more, however long the disk takes.
        clearTimeout(silence);
      },
      createWriteStream(file, { flags: 'a', flush: true }),
    );
  } catch (error) {
    const next = 'ask with HEAD how far it is, and go on from there';
    throw uploadFailure(error, `the connection ended after ${at} of ${sizeBytes} bytes`, next);
  } finally {
    clearTimeout(silence);
  }
}
