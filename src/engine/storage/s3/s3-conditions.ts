import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { once } from '../../base/once.ts';
import type { S3Target } from './s3-address.ts';
import type { S3Calls } from './s3-calls.ts';
import { httpStatusOf, isOtherThanSigned, isTaken } from './s3-failure.ts';
import { sendingBody } from './s3-headers.ts';
import { checksumsOf, creationOf, md5Of, sha256Of } from './s3-written.ts';

/** Objects of this beginning are the storage's own and never show in a listing. */
export const OWN_PREFIX = '.holdfast-';
const OBJECT_PROBE = `${OWN_PREFIX}probe`;
const PARTS_PROBE = `${OWN_PREFIX}probe-parts`;
const DIGEST_PROBE = `${OWN_PREFIX}probe-digest`;
const CONTENT = Buffer.from('holdfast looks here whether the server refuses to overwrite\n');

/** What the server refuses by itself, found out once per storage. */
export interface S3Conditions {
  /** To overwrite with PutObject. */
  objects(): Promise<boolean>;
  /** To overwrite with CompleteMultipartUpload, which is a matter of its own: Ceph 16 and 18 ignore the condition there. */
  parts(): Promise<boolean>;
  /** A body that is not of the SHA-256 that was signed. False where that cannot be told; never throws. */
  otherBytes(): Promise<boolean>;
}

/**
 * Probes on objects of fixed name and content that stay: nothing is lost when they are overwritten, and no
 * permission to delete is needed.
 */
export function s3Conditions(calls: S3Calls): S3Conditions {
  return {
    objects: once(() => isRefused(() => putProbe(calls))),
    parts: once(() => isRefused(() => completeProbe(calls))),
    otherBytes: once(() => refusesOtherBytes(calls)),
  };
}

type Answer = 'written' | 'refused' | 'unknown';

/** The first write may have made the object; then the second must be refused. */
async function isRefused(write: () => Promise<Answer>): Promise<boolean> {
  for (let i = 0; i < 2; i += 1) {
    const answer = await write();
    if (answer !== 'written') return answer === 'refused';
  }
  return false;
}

function answerOf(error: unknown): Answer {
  if (isTaken(error)) return 'refused';
  if (httpStatusOf(error) === 501 || httpStatusOf(error) === 400) return 'unknown';
  throw error;
}

/** Probes are written as everything else, since a policy of the bucket may refuse what lacks encryption; but they need no lock. */
const unlocked = (target: S3Target): S3Target => ({ ...target, lock: null });

/** One object, written as every other of this target. */
const putOf = (target: S3Target, name: string, md5: Buffer | null) =>
  new PutObjectCommand({
    ...creationOf(target, {}),
    ...checksumsOf(target, { md5, sha256: sha256Of(CONTENT) }),
    Key: `${target.prefix}${name}`,
    Body: CONTENT,
    IfNoneMatch: '*',
  });

function putProbe(calls: S3Calls): Promise<Answer> {
  const { client, target } = calls;
  const command = () => putOf(unlocked(target), OBJECT_PROBE, md5Of(CONTENT));
  return calls.run({ what: 'a first write', needs: 's3:PutObject' }, (signal) =>
    client.send(command(), { abortSignal: signal }).then(() => 'written' as const, answerOf),
  );
}

function completeProbe(calls: S3Calls): Promise<Answer> {
  const { client, target } = calls;
  const place = { Bucket: target.bucket, Key: `${target.prefix}${PARTS_PROBE}` };
  return calls.run({ what: 'a first upload in parts', needs: 's3:PutObject' }, async (signal) => {
    const send = { abortSignal: signal };
    const creation = new CreateMultipartUploadCommand({ ...creationOf(unlocked(target), {}), ...place });
    const { UploadId } = await client.send(creation, send);
    const part = { ...place, UploadId, PartNumber: 1 };
    try {
      const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: CONTENT }), send);
      const whole = { ...place, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
      await client.send(new CompleteMultipartUploadCommand({ ...whole, IfNoneMatch: '*' }), send);
      return 'written';
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
      return answerOf(error);
    }
  });
}

/** Like every object but for its signature, which is of other bytes, and without an MD5: only what the server says to that counts. */
async function refusesOtherBytes(calls: S3Calls): Promise<boolean> {
  const { client, target } = calls;
  const command = putOf(target, DIGEST_PROBE, null);
  const signed = sendingBody(command, { sha256: sha256Of(Buffer.from('other bytes')) }, 1);
  const asking = { what: 'a write with another digest', needs: 's3:PutObject', attempts: 1 };
  return calls
    .run(asking, (signal) =>
      client.send(signed, { abortSignal: signal }).then(() => false, isOtherThanSigned),
    )
    .catch(() => false);
}
