import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { DAY_MS } from '../../base/clock.ts';
import type { S3Calls } from './s3-calls.ts';

/** Longer than any run may last, so that nobody's upload under way is taken for abandoned. */
const ABANDONED_MS = 2 * DAY_MS;

/**
 * Aborts uploads below the prefix that a crash left: they are invisible and are paid for. Resolves with their
 * number. Throws what `S3Calls.run` throws; callers that only tidy up ignore it.
 */
export async function removeAbandoned(
  calls: S3Calls,
  nowMs: number,
  olderThanMs: number = ABANDONED_MS,
): Promise<number> {
  const { client, target } = calls;
  const { bucket, prefix } = target;
  let removed = 0;
  let at: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await calls.run(
      { what: 'listing unfinished uploads', needs: 's3:ListBucketMultipartUploads', attempts: 3 },
      (signal) =>
        client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...at }), {
          abortSignal: signal,
        }),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (!Key?.startsWith(prefix) || !UploadId || !Initiated) continue;
      if (nowMs - Initiated.getTime() < olderThanMs) continue;
      const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId });
      await calls.run(
        { what: 'aborting an upload', needs: 's3:AbortMultipartUpload', attempts: 3 },
        (signal) => client.send(command, { abortSignal: signal }),
      );
      removed += 1;
    }
    if (!page.IsTruncated || !page.NextKeyMarker) return removed;
    at = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
