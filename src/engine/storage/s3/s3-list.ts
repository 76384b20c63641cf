import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import type { ObjectInfo } from '../port.ts';
import type { S3Calls } from './s3-calls.ts';
import { OWN_PREFIX } from './s3-conditions.ts';

const NAME = /^(?!.*(^|\/)\.\.?(\/|$))[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** Objects by prefix, in order. What has no name of ours (a console's folder marks) is left out. */
export async function* listObjects(
  calls: S3Calls,
  prefix: string,
  given: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  const { client, target } = calls;
  let token: string | undefined;
  let last = '';
  do {
    const command = new ListObjectsV2Command({
      Bucket: target.bucket,
      Prefix: `${target.prefix}${prefix}`,
      ContinuationToken: token,
    });
    const page = await calls.run(
      { what: `listing ${prefix || target.shown}`, needs: 's3:ListBucket', signal: given },
      (signal) => client.send(command, { abortSignal: signal }),
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      const name = nameOf(target.prefix, Key);
      if (name === null) continue;
      if (name <= last) throw outOfOrder(target.shown);
      last = name;
      yield { name, sizeBytes: Size ?? 0, modifiedAtMs: LastModified?.getTime() ?? 0 };
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
    if (page.IsTruncated && token === undefined)
      throw new HoldfastError('storage_io', `${target.shown} cuts its listings off`);
  } while (token !== undefined);
}

/** Null for a key that is not one of ours. */
export function nameOf(prefix: string, key: string | undefined): string | null {
  if (!key?.startsWith(prefix)) return null;
  const name = key.slice(prefix.length);
  return NAME.test(name) && !name.startsWith(OWN_PREFIX) ? name : null;
}

/** Pages of an unordered listing could hide objects, and prune relies on seeing all. */
function outOfOrder(shown: string): HoldfastError {
  return new HoldfastError('storage_io', `${shown} lists objects out of order`, {
    next: 'use a bucket that lists in order: directory buckets of AWS do not',
  });
}
