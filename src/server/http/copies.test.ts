import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from './copies.ts';

test('whoever waits gets an answer also from work that never ends, and the work is told to stop', async () => {
  const { signal } = new AbortController();
  let given: AbortSignal | null = null;
  const never = (ending: AbortSignal) => {
    given = ending;
    return new Promise<never>(() => undefined);
  };
  await assert.rejects(within(5, signal, never), { code: 'storage_unreachable' });
  assert.equal((given as AbortSignal | null)?.aborted, true);
  assert.equal(await within(60_000, signal, async () => 'there'), 'there');
  assert.equal(await within(null, signal, async (same) => same), signal);
  await assert.rejects(
    within(60_000, signal, async () => {
      throw new Error('its own');
    }),
    /its own/,
  );
});
