import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ObjectLock } from './s3-address.ts';
import { bodyOf } from './s3-body.ts';
import type { S3Calls } from './s3-calls.ts';
import { isMissingUpload, isTaken } from './s3-failure.ts';
import { sendingBody } from './s3-headers.ts';
import { extendLock } from './s3-lock.ts';
import type { PutRequest } from './s3-put-object.ts';
import {
  checksumsOf,
  creationOf,
  head,
  isAsSent,
  md5Of,
  PART_BYTES,
  PUT_ID,
  sha256Of,
  tagOf,
} from './s3-written.ts';

/** Parts under way at once; with the one being filled, three parts are in memory. */
const PARTS_AT_ONCE = 2;
/** Most parts of one upload: a rule of S3. */
const MOST_PARTS = 10_000;

interface SentPart {
  readonly part: CompletedPart;
  readonly md5: Buffer;
  /** The part's tag is the MD5 of its bytes, so the tag of the whole can be foretold. */
  readonly isPlainTag: boolean;
}

/**
 * Writes a stream of unknown length. The object appears at the end or not at all: until then, and after any failure,
 * there is only an upload, which is aborted here or, after a crash, by `removeAbandoned`.
 */
export async function putParts(
  calls: S3Calls,
  request: PutRequest & { readonly partBytes: number },
  buffers: AsyncIterable<Buffer>,
): Promise<'created' | 'exists'> {
  const { key, name, signal } = request;
  const putId = newId();
  const uploadId = await createUpload(calls, request, putId);
  try {
    const sent = await sendParts(calls, request, uploadId, buffers);
    const outcome = await completeUpload(calls, request, { uploadId, putId, sent });
    if (outcome === 'exists') await abortUpload(calls, key, uploadId);
    else if (calls.target.lock) await ensureLock(calls, calls.target.lock, request);
    return outcome;
  } catch (error) {
    await abortUpload(calls, key, uploadId);
    if (signal?.aborted) throw signal.reason;
    throw error instanceof HoldfastError && error.code === 'object_missing'
      ? new HoldfastError('storage_io', `${name}: the server lost the upload`, { cause: error })
      : error;
  }
}

/** Ceph before 18, for one, takes the lock with an upload and forgets it. A new object's age says nothing, so one asks. */
async function ensureLock(
  calls: S3Calls,
  lock: ObjectLock,
  { key, name, signal }: PutRequest,
): Promise<void> {
  await extendLock(calls, lock, { key, name, modifiedAtMs: 0, signal }, Date.now());
}

async function createUpload(
  calls: S3Calls,
  request: PutRequest & { readonly partBytes: number },
  putId: string,
): Promise<string> {
  const { client, target } = calls;
  return calls.run({ what: request.name, needs: 's3:PutObject', signal: request.signal }, async (signal) => {
    const command = new CreateMultipartUploadCommand({
      ...creationOf(target, { [PUT_ID]: putId, [PART_BYTES]: String(request.partBytes) }),
      Key: request.key,
      ...(target.checksums === 'when-supported' && { ChecksumAlgorithm: 'SHA256' as const }),
    });
    const { UploadId: id } = await client.send(command, { abortSignal: signal });
    if (!id) throw new HoldfastError('storage_io', `${request.name}: the server gave no upload id`);
    return id;
  });
}

async function sendParts(
  calls: S3Calls,
  request: PutRequest,
  uploadId: string,
  buffers: AsyncIterable<Buffer>,
): Promise<SentPart[]> {
  const sending: Promise<SentPart>[] = [];
  const failed = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, failed.signal]) : failed.signal;
  const inner = { ...request, signal };
  try {
    for await (const bytes of buffers) {
      signal.throwIfAborted();
      if (sending.length >= MOST_PARTS)
        throw new HoldfastError('storage_io', `${request.name} is too large for one object`);
      const part = sendPart(calls, inner, uploadId, sending.length + 1, bytes);
      part.catch((error: unknown) => failed.abort(error));
      sending.push(part);
      if (sending.length >= PARTS_AT_ONCE) await sending[sending.length - PARTS_AT_ONCE];
    }
    return await Promise.all(sending);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(sending);
    throw request.signal?.aborted ? request.signal.reason : failed.signal.reason;
  }
}

async function sendPart(
  calls: S3Calls,
  { key, name, signal: given, pace }: PutRequest,
  uploadId: string,
  number: number,
  bytes: Buffer,
): Promise<SentPart> {
  const { client, target } = calls;
  const digests = { md5: md5Of(bytes), sha256: sha256Of(bytes) };
  return calls.run(
    { what: name, needs: 's3:PutObject', signal: given, sizeBytes: bytes.length },
    async (signal, nth) => {
      const command = new UploadPartCommand({
        Bucket: target.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        ...checksumsOf(target, digests),
        Body: bodyOf(bytes, pace),
        ContentLength: bytes.length,
      });
      const answer = await client.send(sendingBody(command, digests, nth), { abortSignal: signal });
      const isPlainTag = tagOf(answer.ETag) === digests.md5.toString('hex');
      if (answer.ChecksumSHA256 && isAsSent(answer, digests) === false)
        throw new HoldfastError('storage_io', `${name}: the server stored other bytes than were sent`);
      const part: CompletedPart = {
        PartNumber: number,
        ETag: answer.ETag,
        ...(answer.ChecksumSHA256 && { ChecksumSHA256: answer.ChecksumSHA256 }),
      };
      return { part, md5: digests.md5, isPlainTag };
    },
  );
}

async function completeUpload(
  calls: S3Calls,
  { key, name, signal: given, isConditional }: PutRequest,
  { uploadId, putId, sent }: { uploadId: string; putId: string; sent: readonly SentPart[] },
): Promise<'created' | 'exists'> {
  const { client, target } = calls;
  const outcomeOf = async (signal: AbortSignal): Promise<'created' | 'exists' | null> => {
    const there = await head(calls, key, signal);
    if (!there) return null;
    return there.Metadata?.[PUT_ID] === putId ? 'created' : 'exists';
  };
  return calls.run({ what: name, needs: 's3:PutObject', signal: given }, async (signal, nth) => {
    if (!isConditional) {
      const outcome = await outcomeOf(signal);
      if (outcome) return outcome;
    }
    const command = new CompleteMultipartUploadCommand({
      Bucket: target.bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: { Parts: sent.map(({ part }) => part) },
      ...(isConditional && { IfNoneMatch: '*' }),
    });
    try {
      const answer = await client.send(command, { abortSignal: signal });
      checkWhole(name, answer.ETag, sent);
      return 'created';
    } catch (error) {
      if (isTaken(error)) return nth > 1 && (await outcomeOf(signal)) === 'created' ? 'created' : 'exists';
      // An earlier attempt may have completed it, and its answer was lost.
      const outcome = nth > 1 && isMissingUpload(error) ? await outcomeOf(signal) : null;
      if (outcome) return outcome;
      throw error;
    }
  });
}

/** The tag of a whole is the MD5 of its parts' MD5s, and their number, where tags are MD5s at all. */
function checkWhole(name: string, tag: string | undefined, sent: readonly SentPart[]): void {
  if (!sent.every(({ isPlainTag }) => isPlainTag) || !/^[0-9a-f]{32}-\d+$/.test(tagOf(tag))) return;
  const whole = createHash('md5');
  for (const { md5 } of sent) whole.update(md5);
  if (tagOf(tag) === `${whole.digest('hex')}-${sent.length}`) return;
  throw new HoldfastError('storage_io', `${name}: the server put its parts together wrongly`, {
    next: `remove ${name} at the destination and do not use this server`,
  });
}

/** Best effort, after whatever went wrong: what stays is found by `removeAbandoned`. */
async function abortUpload(calls: S3Calls, key: string, uploadId: string): Promise<void> {
  const { client, target } = calls;
  const command = new AbortMultipartUploadCommand({ Bucket: target.bucket, Key: key, UploadId: uploadId });
  await calls
    .run({ what: 'aborting an upload', needs: 's3:AbortMultipartUpload', attempts: 3 }, (signal) =>
      client.send(command, { abortSignal: signal }),
    )
    .catch(() => {});
}
