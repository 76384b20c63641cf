import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '../../base/errors.ts';
import { ConnectionLost } from './sftp-failure.ts';
import { type Patience, sftpLink } from './sftp-link.ts';
import type { SftpSession } from './sftp-session.ts';

/** A session that knows only how to be lost. */
function session(): SftpSession {
  let isLost = false;
  const known = {
    get isLost() {
      return isLost;
    },
    end() {
      isLost = true;
    },
  };
  return known as unknown as SftpSession;
}

/** Connects as `outcomes` say, then always; time passes by sleeping alone. */
function world(outcomes: readonly ('ok' | Error)[], patience: Partial<Patience> = {}) {
  const sleeps: number[] = [];
  let nowMs = 0;
  let connects = 0;
  const link = sftpLink({
    shown: 'sftp://u@h/x',
    patience: { firstMs: 1_000, laterMs: 60_000, attempts: 4, ...patience },
    random: () => 1,
    nowMs: () => nowMs,
    sleep: async (ms) => {
      sleeps.push(ms);
      nowMs += ms;
    },
    async connect() {
      const outcome = outcomes[Math.min(connects, outcomes.length - 1)];
      connects += 1;
      if (outcome instanceof Error) throw outcome;
      return session();
    },
  });
  return { link, sleeps, connects: () => connects };
}

const lost = new ConnectionLost('reset');

test('one connection serves all, and is made once for all who wait', async () => {
  const { link, connects } = world(['ok']);
  const sessions = await Promise.all([1, 2, 3].map(() => link.run(async (one) => one)));
  assert.equal(new Set(sessions).size, 1);
  assert.equal(connects(), 1);
});

test('work is begun again on a new connection, with growing waits', async () => {
  const { link, sleeps, connects } = world(['ok']);
  let begun = 0;
  const result = await link.run(async (one) => {
    begun += 1;
    if (begun < 4) {
      one.end('it broke');
      throw lost;
    }
    return 'done';
  });
  assert.equal(result, 'done');
  assert.deepEqual([begun, connects()], [4, 4]);
  assert.deepEqual(sleeps, [200, 400, 800]);
});

test('work that breaks every connection ends after its attempts', async () => {
  const { link, connects } = world(['ok']);
  const breaking = link.run(async (one) => {
    one.end('it broke');
    throw lost;
  });
  await assert.rejects(breaking, {
    code: 'storage_unreachable',
    message: 'sftp://u@h/x does not answer: reset',
  });
  assert.equal(connects(), 4);
});

test('a server that never answered is asked for a short time, one that was there for a long one', async () => {
  const never = world([lost]);
  await assert.rejects(
    never.link.run(async () => {}),
    { code: 'storage_unreachable' },
  );
  const firstMs = never.sleeps.reduce((sum, ms) => sum + ms, 0);
  assert.ok(firstMs > 1_000 && firstMs < 4_000, `${firstMs} ms`);

  const gone = world(['ok', lost]);
  const first = await gone.link.run(async (one) => one);
  first.end('it broke');
  await assert.rejects(
    gone.link.run(async () => {}),
    { code: 'storage_unreachable' },
  );
  const laterMs = gone.sleeps.reduce((sum, ms) => sum + ms, 0);
  assert.ok(laterMs > 60_000 && laterMs < 80_000, `${laterMs} ms`);
  assert.ok(Math.max(...gone.sleeps) <= 10_000, 'waits stop growing');
});

test('what waiting cannot change is not repeated, nor is what the work itself throws', async () => {
  const refused = world([new HoldfastError('storage_denied', 'refused')]);
  await assert.rejects(
    refused.link.run(async () => {}),
    { code: 'storage_denied' },
  );
  assert.equal(refused.connects(), 1);
  const fine = world(['ok']);
  await assert.rejects(
    fine.link.run(async () => {
      throw new Error('the content broke');
    }),
    /the content broke/,
  );
  assert.deepEqual(fine.sleeps, []);
});

test('after close nothing is connected again', async () => {
  const { link, connects } = world(['ok']);
  const one = await link.run(async (known) => known);
  link.close();
  link.close();
  assert.equal(one.isLost, true);
  await assert.rejects(
    link.run(async () => {}),
    { code: 'storage_unreachable', message: /was closed/ },
  );
  assert.equal(connects(), 1);
});

test('an aborted call begins nothing', async () => {
  const { link } = world(['ok']);
  const signal = AbortSignal.abort(new Error('stop'));
  await assert.rejects(
    link.run(async () => 'done', signal),
    /stop/,
  );
});

test('tidying up at a silent server does not hold up an abort', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { link } = world(['ok']);
  await link.run(async () => {});
  const ending = new AbortController();
  let isTidied = false;
  const tidied = link
    .ifConnected(() => new Promise(() => {}), ending.signal)
    .then(() => {
      isTidied = true;
    });
  t.mock.timers.tick(3_600_000);
  await new Promise(setImmediate);
  assert.equal(isTidied, false, 'what nobody aborted is waited for');
  ending.abort(new Error('stop'));
  t.mock.timers.tick(2_000);
  await tidied;
});
