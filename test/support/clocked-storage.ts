import type { Clock } from '../../src/engine/base/clock.ts';
import type { ObjectInfo, Storage } from '../../src/engine/storage/port.ts';

/** A storage whose own clock is the given one: it alone decides what `modifiedAtMs` says. `writtenAtMs` is for what is there. */
export function clockedStorage(
  inner: Storage,
  clock: Clock,
  writtenAtMs: Map<string, number> = new Map(),
): Storage {
  const dated = (info: ObjectInfo): ObjectInfo => ({
    ...info,
    modifiedAtMs: writtenAtMs.get(info.name) ?? info.modifiedAtMs,
  });
  return {
    ...inner,
    address: inner.address,
    async put(name, content, options) {
      const outcome = await inner.put(name, content, options);
      if (outcome === 'created') writtenAtMs.set(name, clock.nowMs());
      return outcome;
    },
    async *list(prefix, options) {
      for await (const info of inner.list(prefix, options)) yield dated(info);
    },
    async stat(name, options) {
      const info = await inner.stat(name, options);
      return info && dated(info);
    },
    async remove(name, options) {
      await inner.remove(name, options);
      writtenAtMs.delete(name);
    },
  };
}
