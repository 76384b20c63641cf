import { createHash } from 'node:crypto';
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { DAY_MS } from '../../base/clock.ts';
import type { S3Target } from './s3-address.ts';
import type { S3Calls } from './s3-calls.ts';
import { isMissing } from './s3-failure.ts';

/** Metadata of objects: which put wrote it, and the SHA-256 of its bytes where that is known beforehand. */
export const PUT_ID = 'holdfast-put';
export const CONTENT_SHA256 = 'holdfast-sha256';
/** Of an object written in parts: how large they are, so that its tag can be told from its bytes. */
export const PART_BYTES = 'holdfast-part-bytes';

/** What both ways of writing tell the server about a new object. */
export function creationOf(target: S3Target, metadata: Readonly<Record<string, string>>) {
  const { encryption, kmsKeyId, storageClass, lock } = target;
  return {
    Bucket: target.bucket,
    ContentType: 'application/octet-stream',
    Metadata: { ...metadata },
    ...(encryption !== null && { ServerSideEncryption: encryption }),
    ...(kmsKeyId !== null && { SSEKMSKeyId: kmsKeyId }),
    // The server's own list of classes is longer than the SDK's.
    ...(storageClass !== null && { StorageClass: storageClass as 'STANDARD' }),
    ...(lock !== null && {
      ObjectLockMode: lock.mode,
      ObjectLockRetainUntilDate: new Date(Date.now() + lock.days * DAY_MS),
    }),
  };
}

export interface Digests {
  /** Null where the server checks the SHA-256 that a request is signed over: one digest is enough. */
  readonly md5: Buffer | null;
  readonly sha256: Buffer;
}

/** `sha256`, in hex, is believed: a server that checks it refuses bytes that it is not of. */
export function sha256Of(bytes: Uint8Array, sha256?: string): Buffer {
  return sha256 === undefined ? createHash('sha256').update(bytes).digest() : Buffer.from(sha256, 'hex');
}

export const md5Of = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

/** Headers by which the server refuses bytes that changed on the way. MD5 is the one that every server checks. */
export function checksumsOf({ checksums }: S3Target, { md5, sha256 }: Digests) {
  return {
    ...(md5 && { ContentMD5: md5.toString('base64') }),
    ...(checksums === 'when-supported' && {
      ChecksumAlgorithm: 'SHA256' as const,
      ChecksumSHA256: sha256.toString('base64'),
    }),
  };
}

/** What the server says it stored: null when it says nothing comparable (an encrypted object's tag is no MD5, or none was sent). */
export function isAsSent(
  answer: { readonly ETag?: string | undefined; readonly ChecksumSHA256?: string | undefined },
  sent: Digests,
): boolean | null {
  if (answer.ChecksumSHA256) return answer.ChecksumSHA256 === sent.sha256.toString('base64');
  const tag = tagOf(answer.ETag);
  return sent.md5 && /^[0-9a-f]{32}$/.test(tag) ? tag === sent.md5.toString('hex') : null;
}

/**
 * The tag that an object in parts has, where tags are MD5s: of its parts' MD5s, and their number. Null for anything
 * else, and where later parts are larger.
 */
export function tagOfParts(bytes: Buffer, partBytes: number, tag: string): string | null {
  const parts = Math.ceil(bytes.length / partBytes);
  if (!Number.isInteger(partBytes) || partBytes < 1 || !/^[0-9a-f]{32}-\d+$/.test(tag)) return null;
  if (parts > 2000) return null;
  const whole = createHash('md5');
  for (let at = 0; at < bytes.length; at += partBytes)
    whole.update(md5Of(bytes.subarray(at, at + partBytes)));
  return `${whole.digest('hex')}-${parts}`;
}

export function tagOf(text: string | undefined): string {
  return (text ?? '').replace(/^"|"$/g, '').toLowerCase();
}

/** Null when there is no object of this key. One attempt: to be called inside of one. */
export async function head(
  { client, target }: S3Calls,
  key: string,
  signal: AbortSignal,
): Promise<HeadObjectCommandOutput | null> {
  try {
    return await client.send(new HeadObjectCommand({ Bucket: target.bucket, Key: key }), {
      abortSignal: signal,
    });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
