import type { Storage } from '../../src/engine/storage/port.ts';

/** What a killed process throws from inside; it passes every `catch` that looks at codes. */
export class Killed extends Error {}

/**
 * A storage whose user dies at its mutating call number `at` (from 0): just before it takes effect, or just after.
 * Every later call dies too. `calls` counts mutating calls.
 */
export function killingStorage(
  storage: Storage,
  at: number,
  when: 'before' | 'after',
): Storage & { readonly calls: number; readonly dead: boolean } {
  let calls = 0;
  let dead = false;
  const die = (): never => {
    dead = true;
    throw new Killed('killed');
  };
  const mutate = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) die();
    const own = calls;
    calls += 1;
    if (own === at && when === 'before') die();
    const result = await work();
    if (own === at) die();
    return result;
  };
  return {
    ...storage,
    address: storage.address,
    get calls() {
      return calls;
    },
    get dead() {
      return dead;
    },
    put: (...given) => mutate(() => storage.put(...given)),
    remove: (...given) => mutate(() => storage.remove(...given)),
    get: (...given) => (dead ? die() : storage.get(...given)),
    stat: (...given) => (dead ? die() : storage.stat(...given)),
    list: (...given) => (dead ? die() : storage.list(...given)),
    open: (...given) => (dead ? die() : storage.open(...given)),
  };
}
