import {
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { DAY_MS } from '../../base/clock.ts';
import type { ObjectLock } from './s3-address.ts';
import type { S3Calls } from './s3-calls.ts';

/** A lock is renewed once less than this share of its days is left, so that most objects need nothing in most runs. */
const RENEW_BELOW = 0.5;

interface LockedObject {
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly modifiedAtMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Renews the lock of an object that is still needed. False when what is left of it is enough, which a young object's age
 * tells without asking, since it was written with the whole of it. Needs the permissions `s3:GetObjectRetention` and `s3:PutObjectRetention`. Throws `object_missing`, `storage_*`.
 */
export async function extendLock(
  calls: S3Calls,
  lock: ObjectLock,
  object: LockedObject,
  nowMs: number,
): Promise<boolean> {
  if (nowMs - object.modifiedAtMs < lock.days * DAY_MS * (1 - RENEW_BELOW)) return false;
  const { client, target } = calls;
  const place = { Bucket: target.bucket, Key: object.key };
  const wholeMs = lock.days * DAY_MS;
  const { name: what, signal: given } = object;
  return calls.run({ what, needs: 's3:PutObjectRetention', signal: given }, async (signal) => {
    const send = { abortSignal: signal };
    const { ObjectLockRetainUntilDate: until } = await client.send(new HeadObjectCommand(place), send);
    if (until && until.getTime() - nowMs >= wholeMs * RENEW_BELOW) return false;
    const Retention = { Mode: lock.mode, RetainUntilDate: new Date(nowMs + wholeMs) };
    await client.send(new PutObjectRetentionCommand({ ...place, Retention }), send);
    return true;
  });
}

/** Whether the bucket takes locks at all: that is decided when it is made. Null where the server does not say. */
export async function isLockable(calls: S3Calls): Promise<boolean | null> {
  const { client, target } = calls;
  const command = new GetObjectLockConfigurationCommand({ Bucket: target.bucket });
  try {
    const answer = await calls.run(
      { what: 'asking for object lock', needs: 's3:GetBucketObjectLockConfiguration', attempts: 3 },
      (signal) => client.send(command, { abortSignal: signal }),
    );
    return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    const cause = (error as { cause?: { name?: unknown } }).cause;
    return cause?.name === 'ObjectLockConfigurationNotFoundError' ? false : null;
  }
}
