import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { storageConformance } from '../../../test/conformance/storage.ts';
import { limitedStorage, type Pacing } from './limited-storage.ts';
import { memoryStorage } from './memory-storage.ts';
import type { PutContent, Storage } from './port.ts';
import { partsOf } from './put-content.ts';

const MIB = 2 ** 20;

/** Time that passes only when everybody waits, and then to whoever wakes first. */
function simulated(): Pacing & { nowMs(): number } {
  let nowMs = 0;
  const sleeping: { atMs: number; wake: () => void }[] = [];
  const step = () => {
    sleeping.sort((a, b) => a.atMs - b.atMs);
    const next = sleeping.shift();
    if (!next) return;
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
  };
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms) =>
      new Promise((resolve) => {
        sleeping.push({ atMs: nowMs + ms, wake: resolve });
        setImmediate(step);
      }),
  };
}

/** Notes when bytes passed, of which object. `isPaced` as S3 and SFTP are. */
function noting(pacing: { nowMs(): number }, isPaced: boolean) {
  const passed: { name: string; bytes: number; atMs: number }[] = [];
  let inside = 0;
  let most = 0;
  const memory = memoryStorage();
  const storage: Storage = {
    ...memory,
    isPaced,
    async put(name, content, options = {}) {
      inside += 1;
      most = Math.max(most, inside);
      async function* watched(given: PutContent) {
        for await (const part of partsOf(given)) {
          for (let at = 0; at < part.length; at += 65_536) {
            const piece = part.subarray(at, at + 65_536);
            await options.pace?.(piece.length);
            passed.push({ name, bytes: piece.length, atMs: pacing.nowMs() });
            yield piece;
          }
        }
      }
      try {
        return await memory.put(name, watched(content), options);
      } finally {
        inside -= 1;
      }
    },
  };
  return { storage, passed, most: () => most };
}

/** The most bytes in any stretch of time. */
function mostWithin(passed: readonly { bytes: number; atMs: number }[], ms: number): number {
  let most = 0;
  let sum = 0;
  let from = 0;
  for (const one of passed) {
    sum += one.bytes;
    while (passed[from]!.atMs < one.atMs - ms) sum -= passed[from++]!.bytes;
    most = Math.max(most, sum);
  }
  return most;
}

describe('limited storage', () => {
  for (const isPaced of [true, false]) {
    test(`what goes out stays below the limit in every second, and puts at once share it evenly (paced itself: ${isPaced})`, async () => {
      const pacing = simulated();
      const { storage, passed } = noting(pacing, isPaced);
      const limited = limitedStorage(storage, { uploadBytesPerSecond: MIB }, pacing);
      const contents = [
        Buffer.alloc(4 * MIB, 1),
        [Buffer.alloc(3 * MIB, 2), Buffer.alloc(MIB, 3)],
        Buffer.alloc(4 * MIB, 4),
      ];
      await Promise.all(contents.map((content, i) => limited.put(`o${i}`, content)));
      assert.ok(Math.abs(pacing.nowMs() - 12_000) < 500, `12 MiB at 1 MiB/s took ${pacing.nowMs()} ms`);
      assert.ok(mostWithin(passed, 1000) <= 1.4 * MIB, `${mostWithin(passed, 1000)} bytes within a second`);
      const half = passed.filter(({ atMs }) => atMs < 6000);
      for (let i = 0; i < 3; i += 1) {
        const mine = half.filter(({ name }) => name === `o${i}`).reduce((sum, { bytes }) => sum + bytes, 0);
        assert.ok(mine > 1.8 * MIB && mine < 2.2 * MIB, `o${i} got ${mine} bytes of the first half`);
      }
      for (const [i, content] of contents.entries()) {
        const whole = Array.isArray(content) ? Buffer.concat(content) : content;
        assert.ok((await storage.get(`o${i}`)).equals(whole as Buffer));
      }
    });
  }

  test('the control: without the limit all of it goes at once', async () => {
    const pacing = simulated();
    const { storage, passed } = noting(pacing, true);
    await limitedStorage(storage, {}, pacing).put('o', Buffer.alloc(4 * MIB));
    assert.equal(mostWithin(passed, 1000), 4 * MIB);
  });

  test('what comes in is limited, whole, in ranges and as a stream', async () => {
    const pacing = simulated();
    const memory = memoryStorage();
    await memory.put('o', Buffer.alloc(4 * MIB, 9));
    const limited = limitedStorage(memory, { downloadBytesPerSecond: MIB }, pacing);
    const took = async (work: () => Promise<number>) => {
      const before = pacing.nowMs();
      const bytes = await work();
      return [bytes, Math.round((pacing.nowMs() - before) / 1000)];
    };
    const ranges = async () => {
      let sum = 0;
      for (let at = 0; at < 4; at += 1)
        sum += (await limited.get('o', { offset: at * MIB, length: MIB })).length;
      return sum;
    };
    assert.deepEqual(await took(ranges), [4 * MIB, 3], 'the first goes at once, the others wait');
    await pacing.sleep(5000, undefined);
    assert.deepEqual(
      await took(async () => (await limited.get('o')).length),
      [4 * MIB, 0],
      'its size is not known before',
    );
    assert.deepEqual(await took(ranges), [4 * MIB, 7], 'so the next ones pay for it');
    const stream = async () => {
      let sum = 0;
      for await (const bytes of limited.open('o')) sum += bytes.length;
      return sum;
    };
    assert.deepEqual(await took(stream), [4 * MIB, 4]);
  });

  test('no more calls at once than allowed, and a failed one gives its turn on', async () => {
    const pacing = simulated();
    const { storage, most } = noting(pacing, true);
    const limited = limitedStorage(storage, { concurrency: 2, uploadBytesPerSecond: MIB }, pacing);
    const puts = Array.from({ length: 8 }, (_, i) =>
      limited.put(i === 3 ? '../bad' : `o${i}`, Buffer.alloc(100_000)).catch(() => 'failed'),
    );
    assert.deepEqual((await Promise.all(puts)).filter((outcome) => outcome === 'created').length, 7);
    assert.equal(most(), 2);
  });

  test('a signal ends the waiting', async () => {
    const stuck: Pacing = {
      monotonicMs: () => 0,
      sleep: (_, signal) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    };
    const limited = limitedStorage(memoryStorage(), { uploadBytesPerSecond: 1000 }, stuck);
    const controller = new AbortController();
    const put = limited.put('o', Buffer.alloc(MIB), { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('stop')));
    await assert.rejects(put, /stop/);
    assert.equal(await limited.stat('o'), null);
  });
});

storageConformance('limited, on memory', async () =>
  limitedStorage(memoryStorage(), {
    uploadBytesPerSecond: 256 * MIB,
    downloadBytesPerSecond: 256 * MIB,
    concurrency: 2,
  }),
);
