import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { StorageOptions } from '../port.ts';
import { bodyOf, readBody } from './s3-body.ts';
import type { S3Calls } from './s3-calls.ts';
import { isTaken } from './s3-failure.ts';
import { sendingBody } from './s3-headers.ts';
import {
  CONTENT_SHA256,
  checksumsOf,
  creationOf,
  type Digests,
  head,
  isAsSent,
  md5Of,
  PUT_ID,
  sha256Of,
} from './s3-written.ts';

export interface PutRequest {
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly signal: AbortSignal | undefined;
  /** The server refuses to overwrite; where it cannot, one looks first. */
  readonly isConditional: boolean;
  readonly pace?: StorageOptions['pace'] | undefined;
  readonly sha256?: StorageOptions['sha256'] | undefined;
}

/**
 * Writes bytes at hand in one request. An answer that was lost is not mistaken: the object says which put wrote it. `isDigestChecked`
 * when the server refuses bytes that are not of the SHA-256 it is told: then no MD5 is computed for it.
 */
export async function putObject(
  calls: S3Calls,
  request: PutRequest & { readonly isDigestChecked: boolean },
  bytes: Buffer,
): Promise<'created' | 'exists'> {
  const { client, target } = calls;
  const { key, name, isConditional } = request;
  const putId = newId();
  const digests = {
    md5: request.isDigestChecked ? null : md5Of(bytes),
    sha256: sha256Of(bytes, request.sha256),
  };
  const isOurs = async (signal: AbortSignal) =>
    (await head(calls, key, signal))?.Metadata?.[PUT_ID] === putId;
  return calls.run(
    { what: name, needs: 's3:PutObject', signal: request.signal, sizeBytes: bytes.length },
    async (signal, nth) => {
      if (!isConditional) {
        const there = await head(calls, key, signal);
        if (there) return there.Metadata?.[PUT_ID] === putId ? 'created' : 'exists';
      }
      const command = new PutObjectCommand({
        ...creationOf(target, { [PUT_ID]: putId, [CONTENT_SHA256]: digests.sha256.toString('hex') }),
        ...checksumsOf(target, digests),
        Key: key,
        Body: bodyOf(bytes, request.pace),
        ContentLength: bytes.length,
        ...(isConditional && { IfNoneMatch: '*' }),
      });
      try {
        const answer = await client.send(sendingBody(command, digests, nth), { abortSignal: signal });
        if (isAsSent(answer, digests) === false) await readBack(calls, request, digests);
        return 'created';
      } catch (error) {
        if (!isTaken(error)) throw error;
        return nth > 1 && (await isOurs(signal)) ? 'created' : 'exists';
      }
    },
  );
}

/** The server named another checksum: some encrypt and tag what they encrypted. Only the bytes themselves can tell. */
async function readBack(calls: S3Calls, { key, name }: PutRequest, sent: Digests): Promise<void> {
  const { client, target, patience } = calls;
  const stored = await calls.run({ what: `reading ${name} back`, needs: 's3:GetObject' }, async (signal) => {
    const command = new GetObjectCommand({ Bucket: target.bucket, Key: key });
    return readBody(await client.send(command, { abortSignal: signal }), patience.idleMs, signal);
  });
  if (sha256Of(stored).equals(sent.sha256)) return;
  const removal = new DeleteObjectCommand({ Bucket: target.bucket, Key: key });
  const isGone = await client.send(removal).then(
    () => true,
    () => false,
  );
  throw new HoldfastError('storage_io', `${name}: the server stored other bytes than were sent`, {
    next: isGone
      ? 'run again; when it happens again, use another server'
      : `remove ${name} at the destination, then run again`,
  });
}
