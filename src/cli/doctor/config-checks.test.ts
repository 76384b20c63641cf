import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../contracts/config.ts';
import { resolveRetention } from '../../engine/operations/retention-rules.ts';
import { configChecks } from './config-checks.ts';

/** `/a/…` and `/b/…` are two disks. */
const place = {
  diskOf: async (path: string) => path.charCodeAt(1),
  pathOf: async (text: string) => text,
  resolveRetention,
};

const found = async (config: object) => {
  const parsed = configSchema.parse({
    destinations: { one: { address: '/b/one' }, two: { address: '/a/two' }, three: { address: '/a/three' } },
    sources: { app: { kind: 'sqlite', path: '/a/app.db' }, env: { kind: 'files', path: '/a/.env' } },
    ...config,
  });
  return (await configChecks(parsed, place)).map(({ message, next }) => {
    assert.ok(next!.length > 10);
    return message;
  });
};

const PROVEN = { drill: { schedule: 'monthly' } };

test('a plan that is well says nothing', async () => {
  assert.deepEqual(
    await found({ plans: { nightly: { sources: ['app'], destination: 'one', ...PROVEN } } }),
    [],
  );
  const both = { sources: ['app'], destinations: ['one', 'two'], drill: { afterBackups: 10 } };
  assert.deepEqual(await found({ plans: { nightly: both } }), [], 'one of two copies is elsewhere');
  const away = {
    destinations: { away: { address: 's3://bucket' } },
    plans: { nightly: { sources: ['app'], ...PROVEN } },
  };
  assert.deepEqual(await found(away), []);
});

test('each lack is found by itself', async () => {
  const plan = { sources: ['app'], destination: 'one', ...PROVEN };
  const one = async (more: object, says: RegExp) => {
    const messages = await found({ plans: { nightly: { ...plan, ...more } } });
    assert.equal(messages.length, 1, messages.join('\n'));
    assert.match(messages[0]!, says);
  };
  await one({ schedule: null }, /no schedule/);
  await one({ enabled: false }, /switched off/);
  await one({ drill: undefined }, /no drill is planned/);
  await one({ drill: {} }, /no drill is planned/);
  await one({ destination: 'two' }, /the only copy of app is on the same disk/);
  const both = { destination: undefined, destinations: ['two', { name: 'three' }] };
  await one(both, /every copy of app is on the same disk/);
  await one({ sources: ['app', 'env'] }, /whoever opens it has both/);
  await one({ retention: { days: 14 } }, /stay 14 days, and a drill looks every 31/);
  await one({ drill: { schedule: 'quarterly' }, retention: { days: 60 } }, /every 92/);
});
