import { HoldfastError } from '../../base/errors.ts';
import { checkObjectName, checkPrefix } from '../object-name.ts';
import type { Storage } from '../port.ts';
import type { S3Calls } from './s3-calls.ts';
import { readRange, readStream, readWhole } from './s3-read.ts';
import { type ObjectVersion, versionOf, versionsAsOf } from './s3-versions.ts';

/**
 * A versioned bucket as it was at a time, for reading: what was deleted or overwritten since is there. Writing
 * throws `storage_denied`.
 */
export function s3View(calls: S3Calls, asOfMs: number): Storage {
  const { target } = calls;
  const when = new Date(asOfMs).toISOString();
  const find = async (name: string, signal: AbortSignal | undefined): Promise<ObjectVersion> => {
    checkObjectName(name);
    const found = await versionOf(calls, name, asOfMs, signal);
    if (found) return found;
    throw new HoldfastError('object_missing', `${name} was not there at ${when}`);
  };
  const refuse = async (): Promise<never> => {
    throw new HoldfastError('storage_denied', `${target.shown} as of ${when} is for reading only`, {
      next: 'leave as-of out of the address to write',
    });
  };
  return {
    address: `${target.shown} as of ${when}`,
    put: refuse,
    remove: refuse,
    async get(name, range, { signal } = {}) {
      const { key, versionId } = await find(name, signal);
      const request = { key, name, versionId, signal };
      if (!range) return readWhole(calls, request);
      return range.length > 0 ? readRange(calls, request, range) : Buffer.alloc(0);
    },
    async *open(name, { signal } = {}) {
      const { key, versionId } = await find(name, signal);
      yield* readStream(calls, { key, name, versionId, signal });
    },
    async *list(prefix, { signal } = {}) {
      checkPrefix(prefix);
      for await (const { name, sizeBytes, modifiedAtMs } of versionsAsOf(calls, prefix, asOfMs, signal))
        yield { name, sizeBytes, modifiedAtMs };
    },
    async stat(name, { signal } = {}) {
      checkObjectName(name);
      const found = await versionOf(calls, name, asOfMs, signal);
      return found && { name, sizeBytes: found.sizeBytes, modifiedAtMs: found.modifiedAtMs };
    },
    async freeBytes() {
      return null;
    },
    async close() {
      calls.client.destroy();
    },
  };
}
