import { GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import type { StorageFinding } from '../port.ts';
import type { S3Calls } from './s3-calls.ts';
import type { S3Conditions } from './s3-conditions.ts';
import { isLockable } from './s3-lock.ts';

/** What this server and bucket can do that matters for backups. Throws `storage_*` when even asking fails. */
export async function inspectS3(calls: S3Calls, conditions: S3Conditions): Promise<StorageFinding[]> {
  const findings = [await overwriteFinding(conditions), ...transportFindings(calls)];
  if (calls.target.lock) findings.push(await lockFinding(calls));
  else findings.push(...(await versioningFindings(calls)));
  return findings;
}

async function overwriteFinding(conditions: S3Conditions): Promise<StorageFinding> {
  const name = 'no overwriting';
  const [objects, parts] = [await conditions.objects(), await conditions.parts()];
  if (objects && parts) return { name, status: 'ok', message: 'the server refuses to overwrite', next: null };
  const gap = objects ? 'but not uploads in parts' : parts ? 'but only uploads in parts' : null;
  const message = gap ? `the server refuses to overwrite, ${gap}` : 'the server does not refuse to overwrite';
  return {
    name,
    status: 'ok',
    message: `${message}: there, each write looks first, and names are unique by themselves`,
    next: null,
  };
}

function transportFindings({ target }: S3Calls): StorageFinding[] {
  const host = target.endpoint === null ? '' : new URL(target.endpoint).hostname;
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
  if (!target.endpoint?.startsWith('http:') || isLocal) return [];
  return [
    {
      name: 'transport',
      status: 'warning',
      message:
        'the connection is not encrypted: contents are, but names and sizes can be watched, and answers changed',
      next: 'use an endpoint that begins with https://',
    },
  ];
}

async function lockFinding(calls: S3Calls): Promise<StorageFinding> {
  const name = 'object lock';
  const lockable = await isLockable(calls);
  if (lockable === true) return { name, status: 'ok', message: 'the bucket takes locks', next: null };
  return lockable === false
    ? {
        name,
        status: 'problem',
        message: 'the address asks for locks, and the bucket takes none',
        next: 'make a new bucket with Object Lock enabled, or leave lock out of the address',
      }
    : {
        name,
        status: 'warning',
        message: 'the server does not say whether the bucket takes locks',
        next: 'allow s3:GetBucketObjectLockConfiguration to this key',
      };
}

/** A stolen key can delete what no version keeps. Not being allowed to ask is fine. */
async function versioningFindings(calls: S3Calls): Promise<StorageFinding[]> {
  const { client, target } = calls;
  const command = new GetBucketVersioningCommand({ Bucket: target.bucket });
  const answer = await calls
    .run({ what: 'asking for versioning', needs: 's3:GetBucketVersioning', attempts: 3 }, (signal) =>
      client.send(command, { abortSignal: signal }),
    )
    .catch(() => null);
  if (!answer) return [];
  const isOn = answer.Status === 'Enabled';
  const message = isOn
    ? 'the bucket keeps versions'
    : 'the bucket keeps no versions: what is deleted is gone';
  return [{ name: 'versions', status: 'ok', message, next: null }];
}
