import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import type { ObjectInfo } from '../port.ts';
import type { S3Calls } from './s3-calls.ts';
import { nameOf } from './s3-list.ts';

export interface ObjectVersion extends ObjectInfo {
  readonly key: string;
  readonly versionId: string;
}

interface Version {
  readonly key: string;
  readonly versionId: string;
  readonly atMs: number;
  /** Null for a mark that says the object was deleted. */
  readonly sizeBytes: number | null;
}

/**
 * What a versioned bucket held at a time: the newest version of each object written by then, unless that was a
 * deletion. So what somebody deleted or overwrote afterwards is there again.
 */
export async function* versionsAsOf(
  calls: S3Calls,
  prefix: string,
  asOfMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectVersion> {
  let found: Version | null = null;
  const shown = (version: Version | null): ObjectVersion | null => {
    const name = version && nameOf(calls.target.prefix, version.key);
    if (!version || name === null || version.sizeBytes === null) return null;
    const { key, versionId, sizeBytes, atMs } = version;
    return { name, key, versionId, sizeBytes, modifiedAtMs: atMs };
  };
  for await (const version of allVersions(calls, prefix, signal)) {
    if (found && found.key !== version.key) {
      const object = shown(found);
      if (object) yield object;
      found = null;
    }
    // Of one key, the newest comes first; of two of the same second, likewise.
    if (version.atMs <= asOfMs && (!found || version.atMs > found.atMs)) found = version;
  }
  const object = shown(found);
  if (object) yield object;
}

/** The version of one object, null when there was none. */
export async function versionOf(
  calls: S3Calls,
  name: string,
  asOfMs: number,
  signal: AbortSignal | undefined,
): Promise<ObjectVersion | null> {
  for await (const version of versionsAsOf(calls, name, asOfMs, signal)) {
    if (version.name === name) return version;
    if (version.name > name) return null;
  }
  return null;
}

/** Versions and deletions merged: keys in order, of each key the newest first. */
async function* allVersions(
  calls: S3Calls,
  prefix: string,
  given: AbortSignal | undefined,
): AsyncGenerator<Version> {
  const { client, target } = calls;
  let at: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
  while (at) {
    const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({
      Bucket: target.bucket,
      Prefix: `${target.prefix}${prefix}`,
      ...at,
    });
    const page: ListObjectVersionsCommandOutput = await calls.run(
      {
        what: `listing versions of ${prefix || target.shown}`,
        needs: 's3:ListBucketVersions',
        signal: given,
      },
      (signal) => client.send(command, { abortSignal: signal }),
    );
    const versions: Version[] = [];
    for (const { Key, VersionId, LastModified, Size } of page.Versions ?? [])
      versions.push(versionFrom(Key, VersionId, LastModified, Size ?? 0));
    for (const { Key, VersionId, LastModified } of page.DeleteMarkers ?? [])
      versions.push(versionFrom(Key, VersionId, LastModified, null));
    yield* versions.sort((a, b) => (a.key === b.key ? b.atMs - a.atMs : a.key < b.key ? -1 : 1));
    at = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
      : null;
    if (at && at.KeyMarker === undefined)
      throw new HoldfastError('storage_io', `${target.shown} cuts its listings off`);
  }
}

function versionFrom(
  key: string | undefined,
  versionId: string | undefined,
  at: Date | undefined,
  sizeBytes: number | null,
): Version {
  return { key: key ?? '', versionId: versionId ?? 'null', atMs: at?.getTime() ?? 0, sizeBytes };
}
