import { HoldfastError } from '../base/errors.ts';
import { checkObjectName, checkPrefix } from './object-name.ts';
import type { ObjectInfo, Storage } from './port.ts';
import { partsOf } from './put-content.ts';

const OPEN_BYTES = 1 << 20;

interface StoredObject {
  readonly bytes: Buffer;
  readonly modifiedAtMs: number;
}

/** Objects in a map. For tests, and the reference for what a storage does. */
export function memoryStorage(): Storage {
  const objects = new Map<string, StoredObject>();
  const find = (name: string): StoredObject => {
    checkObjectName(name);
    const found = objects.get(name);
    if (found) return found;
    throw new HoldfastError('object_missing', `${name} is missing`);
  };
  const infoOf = (name: string, { bytes, modifiedAtMs }: StoredObject): ObjectInfo => ({
    name,
    sizeBytes: bytes.length,
    modifiedAtMs,
  });
  return {
    address: 'memory:',
    readsAreCheap: true,
    async put(name, content, options = {}) {
      checkObjectName(name);
      const parts: Uint8Array[] = [];
      for await (const part of partsOf(content)) {
        options.signal?.throwIfAborted();
        parts.push(Buffer.from(part));
      }
      options.signal?.throwIfAborted();
      if (objects.has(name)) return 'exists';
      objects.set(name, { bytes: Buffer.concat(parts), modifiedAtMs: Date.now() });
      return 'created';
    },
    async get(name, range, options = {}) {
      options.signal?.throwIfAborted();
      const { bytes } = find(name);
      return Buffer.from(range ? bytes.subarray(range.offset, range.offset + range.length) : bytes);
    },
    async *open(name, options = {}) {
      const { bytes } = find(name);
      for (let at = 0; at < bytes.length; at += OPEN_BYTES) {
        options.signal?.throwIfAborted();
        yield Buffer.from(bytes.subarray(at, at + OPEN_BYTES));
      }
    },
    async *list(prefix, options = {}) {
      checkPrefix(prefix);
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort();
      for (const name of names) {
        options.signal?.throwIfAborted();
        const found = objects.get(name);
        if (found) yield infoOf(name, found);
      }
    },
    async stat(name) {
      checkObjectName(name);
      const found = objects.get(name);
      return found ? infoOf(name, found) : null;
    },
    async remove(name) {
      checkObjectName(name);
      objects.delete(name);
    },
    async freeBytes() {
      return null;
    },
    async close() {},
  };
}
