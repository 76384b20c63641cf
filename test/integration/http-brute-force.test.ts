import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { hashCounts } from '../../src/server/access/passwords.ts';
import { newLoginCode } from '../../src/server/access/setup.ts';
import { count } from '../support/counts.ts';
import {
  clockAtQuarter,
  type HttpWorld,
  httpWorld,
  OWNER,
  type WorldOptions,
} from '../support/http-world.ts';

const PER_HOUR = 100;

const worldOf = (t: TestContext, options: WorldOptions = {}): Promise<HttpWorld> =>
  httpWorld(t, { ...options, clock: clockAtQuarter() });

interface Guesses {
  readonly total: number;
  readonly account: (i: number) => string;
  readonly address: (i: number) => string;
  /** Done before each guess, by a control. */
  readonly before?: () => Promise<unknown>;
}

/** Sends wrong passwords, many at once, and gives how many were hashed and what was answered. */
async function guess(world: HttpWorld, { total, account, address, before }: Guesses) {
  const begun = hashCounts.total;
  const statuses = new Map<number, number>();
  for (let from = 0; from < total; from += 20) {
    const batch = Array.from({ length: Math.min(20, total - from) }, async (_, i) => {
      await before?.();
      const body = { name: account(from + i), password: `guess number ${from + i}` };
      const headers = { 'x-forwarded-for': address(from + i), forwarded: `for=${address(from + i)}` };
      const { status } = await world.client().send('POST', '/api/v1/session', { body, headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    await Promise.all(batch);
  }
  return { hashed: hashCounts.total - begun, statuses };
}

test('guesses at one account from hundreds of addresses: few reach the hash, two at once, and the owner still enters', async (t) => {
  const world = await worldOf(t, { environment: { HOLDFAST_TRUSTED_PROXIES: '127.0.0.1' } });
  await world.owner();
  const total = count(400, 10_000);
  const { hashed, statuses } = await guess(world, {
    ...{ total, account: () => OWNER.name },
    address: (i) => `203.0.${(i % 500) >> 8}.${i % 256}`,
  });
  assert.ok(hashed > 0 && hashed <= PER_HOUR, `${hashed} guesses were hashed`);
  assert.ok(hashCounts.mostAtOnce <= 2, `${hashCounts.mostAtOnce} at once`);
  assert.deepEqual([...statuses.keys()].sort(), [401, 429]);

  const locked = await world.client().post('/api/v1/session', OWNER);
  assert.equal(locked.status, 429);
  assert.match(locked.json.next, /holdfast access login-code/);
  const code = await newLoginCode(world.catalog, OWNER.name);
  const client = world.client();
  assert.equal((await client.post('/api/v1/session/code', { login_code: code })).status, 201);
  assert.equal((await client.get('/api/v1/session')).json.user.name, OWNER.name);
  assert.equal(
    (await client.post('/api/v1/session/code', { login_code: code })).status,
    401,
    'it works once',
  );
  const stored = await world.catalog.db.selectFrom('one_time_codes').selectAll().execute();
  assert.deepEqual(stored, []);
});

test('negative control: where attempts are forgotten, the same guesses are hashed without end', async (t) => {
  const world = await worldOf(t, { environment: { HOLDFAST_TRUSTED_PROXIES: '127.0.0.1' } });
  await world.owner();
  const forget = () => world.catalog.db.deleteFrom('login_attempts').execute();
  const total = 40;
  const { hashed } = await guess(world, {
    ...{ total, account: () => OWNER.name, address: (i: number) => `203.0.113.${i}`, before: forget },
  });
  assert.ok(hashed > 20, `${hashed} of ${total} were hashed`);
});

test('forwarding headers of strangers are ignored: one address is one address, whatever it claims', async (t) => {
  const world = await worldOf(t);
  await world.owner();
  const { hashed, statuses } = await guess(world, {
    total: 90,
    account: (i) => `nobody${i}@example.org`,
    address: (i) => `198.51.100.${i}`,
  });
  assert.equal(hashed, 60);
  assert.equal(statuses.get(429), 30);
});

test('an unknown user costs the same hash as a known one, and is answered alike', async (t) => {
  const world = await worldOf(t);
  await world.owner();
  const answers = [];
  for (const name of [OWNER.name, 'nobody@example.org']) {
    const begun = hashCounts.total;
    const { status, json } = await world
      .client()
      .post('/api/v1/session', { name, password: 'wrong altogether' });
    const { request_id: _, ...answer } = json;
    answers.push({ status, answer, hashes: hashCounts.total - begun });
  }
  assert.deepEqual(answers[0], answers[1]);
  assert.equal(answers[0]!.hashes, 1);
});

test('logging in rightly does not use up guesses', async (t) => {
  const world = await worldOf(t);
  await world.owner();
  for (let i = 0; i < 18; i += 1)
    assert.equal((await world.client().post('/api/v1/session', OWNER)).status, 201);
});

test('a flood from one address is stopped before the catalog counts it', async (t) => {
  const world = await worldOf(t);
  await world.owner();
  const codes = await Promise.all(
    Array.from({ length: 320 }, () =>
      world.client().post('/api/v1/session/code', { login_code: 'hfcode_x' }),
    ),
  );
  assert.equal(codes.filter(({ status }) => status === 401).length, 300);
  const stopped = codes.filter(({ status }) => status === 429);
  assert.equal(stopped.length, 20);
  assert.ok(
    stopped.every(({ json, headers }) => json.code === 'too_many_attempts' && headers['retry-after']),
  );
});
