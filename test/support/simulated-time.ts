import type { Storage } from '../../src/engine/storage/port.ts';
import type { FakeClock } from './fake-clock.ts';
import type { SeededRandom } from './seed.ts';

/** One of several who work at the same time, each in its own asynchronous function. */
export interface Actor {
  /** Sleeps for so long on the fake clock. */
  sleep(ms: number): Promise<void>;
  /** The same storage, whose every call takes a random time before and after it takes effect. */
  slowed(storage: Storage): Storage;
}

export interface SimulatedTime {
  /** Begins a piece of work. Time stands still until everybody who has begun and not ended sleeps. */
  run(work: (actor: Actor) => Promise<void>): Promise<void>;
}

/** How long a storage call takes at most. */
const CALL_MS = 3000;

/**
 * Time as in a discrete simulation: it jumps to the next moment at which somebody wakes, and only when nobody is at
 * work. So hours of pauses cost nothing and work is as fast as it would be.
 */
export function simulatedTime(clock: FakeClock, random: SeededRandom): SimulatedTime {
  interface Sleeper {
    readonly wakeAtMs: number;
    readonly wake: () => void;
  }
  let sleepers: Sleeper[] = [];
  const working = new Set<{ asleep: number }>();

  const passTime = () => {
    while (sleepers.length > 0 && [...working].every(({ asleep }) => asleep > 0)) {
      sleepers.sort((a, b) => a.wakeAtMs - b.wakeAtMs);
      const [next, ...rest] = sleepers;
      sleepers = rest;
      clock.advance(Math.max(0, next!.wakeAtMs - clock.nowMs()));
      next!.wake();
    }
  };

  const actorOf = (self: { asleep: number }): Actor => {
    const sleep = (ms: number) =>
      new Promise<void>((resolve) => {
        self.asleep += 1;
        const wake = () => {
          self.asleep -= 1;
          resolve();
        };
        sleepers.push({ wakeAtMs: clock.nowMs() + ms, wake });
        passTime();
      });
    const call = async <T>(work: () => Promise<T>): Promise<T> => {
      await sleep(random.int(CALL_MS));
      const result = await work();
      await sleep(random.int(CALL_MS));
      return result;
    };
    return {
      sleep,
      slowed: (storage) => ({
        ...storage,
        address: storage.address,
        put: (name, content) => call(() => storage.put(name, content)),
        get: (name, range) => call(() => storage.get(name, range)),
        stat: (name) => call(() => storage.stat(name)),
        remove: (name) => call(() => storage.remove(name)),
        async *list(prefix) {
          await sleep(random.int(CALL_MS));
          for await (const info of storage.list(prefix)) {
            yield info;
            if (random.int(8) === 0) await sleep(random.int(CALL_MS));
          }
        },
      }),
    };
  };

  return {
    async run(work) {
      const self = { asleep: 0 };
      working.add(self);
      try {
        // Whoever begins in the same moment is counted before anybody sleeps.
        await Promise.resolve();
        await work(actorOf(self));
      } finally {
        working.delete(self);
        passTime();
      }
    },
  };
}
