import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import { checkObjectName, checkPrefix } from '../object-name.ts';
import type { ObjectInfo, PutContent, Storage, StorageOptions } from '../port.ts';
import { removeAbandoned } from './s3-abandoned.ts';
import type { S3Target } from './s3-address.ts';
import { type S3Calls, s3Calls } from './s3-calls.ts';
import { s3Client } from './s3-client.ts';
import { type S3Conditions, s3Conditions } from './s3-conditions.ts';
import { inspectS3 } from './s3-inspect.ts';
import { listObjects } from './s3-list.ts';
import { extendLock } from './s3-lock.ts';
import { atHand, partBytes, partsToSend } from './s3-parts.ts';
import { type PutRequest, putObject } from './s3-put-object.ts';
import { putParts } from './s3-put-parts.ts';
import { readRange, readStream, readWhole } from './s3-read.ts';
import { PATIENCE, type S3Settings } from './s3-settings.ts';
import { s3View } from './s3-view.ts';
import { head } from './s3-written.ts';

type LockedObject = Pick<ObjectInfo, 'name' | 'modifiedAtMs'>;

/**
 * A bucket, or a folder of one, as storage. Nothing is sent before the first call. Besides what the port names, calls
 * throw `bucket_missing`, `clock_skew`, and `usage` for a wrong region. Needs the permissions to read, write and list; to delete
 * only for prune and rotate. What the server can do is probed, unless it is given.
 */
export function openS3Storage(
  target: S3Target,
  settings: Pick<S3Settings, 'patience' | 'partBytes' | 'agents'> = {},
  given?: S3Conditions,
): Storage {
  const { patience = PATIENCE } = settings;
  const calls = s3Calls(s3Client(target, patience, settings.agents), target, patience);
  if (target.asOfMs !== null) return s3View(calls, target.asOfMs);
  const conditions = given ?? s3Conditions(calls);
  const put = putter(calls, conditions, settings.partBytes);
  const readable = readers(calls);
  const { lock } = target;
  return {
    address: target.shown,
    isPaced: true,
    put,
    ...readable,
    async remove(name, options = {}) {
      const command = new DeleteObjectCommand({ Bucket: target.bucket, Key: keyOf(target, name) });
      await calls.run(
        { what: `deleting ${name}`, needs: 's3:DeleteObject', signal: options.signal },
        (signal) => calls.client.send(command, { abortSignal: signal }),
      );
    },
    ...(lock !== null && {
      async extendLock({ name, modifiedAtMs }: LockedObject, { signal }: StorageOptions = {}) {
        return extendLock(calls, lock, { key: keyOf(target, name), name, modifiedAtMs, signal }, Date.now());
      },
    }),
    inspect: () => inspectS3(calls, conditions),
    async freeBytes() {
      return null;
    },
    async close() {
      calls.client.destroy();
    },
  };
}

function putter(calls: S3Calls, conditions: S3Conditions, firstBytes?: number): Storage['put'] {
  let tidied = false;
  const underWay = new Map<string, Promise<unknown>>();
  /** Where the server does not guard a name, at least the writers of this process wait for each other. */
  const oneAtATime = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = underWay.get(name);
    const mine = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    underWay.set(name, mine);
    try {
      return await mine;
    } finally {
      if (underWay.get(name) === mine) underWay.delete(name);
    }
  };
  const inParts = async (request: PutRequest, buffers: AsyncIterable<Buffer>) => {
    if (!tidied) {
      tidied = true;
      await removeAbandoned(calls, Date.now()).catch(() => {});
    }
    const isConditional = await conditions.parts();
    const write = () =>
      putParts(calls, { ...request, isConditional, partBytes: partBytes(0, firstBytes) }, buffers);
    return isConditional ? write() : oneAtATime(request.key, write);
  };
  const whole = async (request: PutRequest, bytes: Buffer) => {
    const [isConditional, isDigestChecked] = await Promise.all([
      conditions.objects(),
      conditions.otherBytes(),
    ]);
    const write = () => putObject(calls, { ...request, isConditional, isDigestChecked }, bytes);
    return isConditional ? write() : oneAtATime(request.key, write);
  };
  return async (name: string, content: PutContent, { signal, pace, sha256 }: StorageOptions = {}) => {
    const request = { key: keyOf(calls.target, name), name, signal, pace, sha256, isConditional: true };
    signal?.throwIfAborted();
    const bytes = atHand(content);
    if (bytes) return whole(request, bytes);
    const parts = partsToSend(content, (index) => partBytes(index, firstBytes));
    try {
      const first = await parts.next();
      const second = first.done ? first : await parts.next();
      if (second.done) return await whole(request, first.value ?? Buffer.alloc(0));
      return await inParts(request, resumed([first.value as Buffer, second.value], parts));
    } finally {
      await parts.return(undefined);
    }
  };
}

async function* resumed(begun: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* begun;
  yield* rest;
}

function readers(calls: S3Calls): Pick<Storage, 'get' | 'open' | 'list' | 'stat'> {
  const { client, target } = calls;
  let bucketWasSeen = false;
  /** HEAD says 404 for a missing bucket too, and an empty bucket must not be mistaken for a wrong name. */
  const seeBucket = async (given: AbortSignal | undefined) => {
    if (bucketWasSeen) return;
    const command = new ListObjectsV2Command({ Bucket: target.bucket, Prefix: target.prefix, MaxKeys: 1 });
    await calls.run({ what: target.shown, needs: 's3:ListBucket', signal: given }, (signal) =>
      client.send(command, { abortSignal: signal }),
    );
    bucketWasSeen = true;
  };
  const request = (name: string, options: StorageOptions) => ({
    key: keyOf(target, name),
    name,
    signal: options.signal,
  });
  return {
    async get(name, range, options = {}) {
      const wanted = request(name, options);
      if (!range) return readWhole(calls, wanted);
      if (range.length > 0) return readRange(calls, wanted, range);
      await readRange(calls, wanted, { offset: 0, length: 1 });
      return Buffer.alloc(0);
    },
    async *open(name, options = {}) {
      yield* readStream(calls, request(name, options));
    },
    async *list(prefix, options = {}) {
      checkPrefix(prefix);
      yield* listObjects(calls, prefix, options.signal);
    },
    async stat(name, options = {}) {
      const { key, signal: given } = request(name, options);
      const found = await calls.run({ what: name, needs: 's3:GetObject', signal: given }, (signal) =>
        head(calls, key, signal),
      );
      if (!found) {
        await seeBucket(given);
        return null;
      }
      return {
        name,
        sizeBytes: found.ContentLength ?? 0,
        modifiedAtMs: found.LastModified?.getTime() ?? 0,
      };
    },
  };
}

/** Throws `storage_name_invalid` before anything is sent. */
function keyOf({ prefix }: S3Target, name: string): string {
  checkObjectName(name);
  const key = `${prefix}${name}`;
  if (key.length <= 1024) return key;
  throw new HoldfastError('storage_name_invalid', `with its folder, ${name} is longer than a key may be`);
}
