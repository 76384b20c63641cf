import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mask, maskDeep } from './mask.ts';

test('passwords in addresses are hidden, users and hosts stay', () => {
  const cases: [string, string][] = [
    ['postgres://app:s3cret@db:5432/orders', 'postgres://app:***@db:5432/orders'],
    ['postgresql://:s3cret@/orders?host=/run', 'postgresql://:***@/orders?host=/run'],
    ['postgres://app:s3/c?re#t@db/orders', 'postgres://app:***@db/orders'],
    ['postgres://app:s3@cret@db/orders', 'postgres://app:***@db/orders'],
    ['https://u:s3cret@host/x', 'https://u:***@host/x'],
    [
      'postgres://db/orders?user=a&password=s3cret&sslmode=require',
      'postgres://db/orders?user=a&password=***&sslmode=require',
    ],
    ['host=db password=s3cret dbname=x', 'host=db password=*** dbname=x'],
    ['key HFK1-ABCDEF-GHJKMN is damaged', 'key hfk1-*** is damaged'],
    ['a printed passphrase is hfp1-ABCDEF-GHJKMN', 'a printed passphrase is hfp1-***'],
    [
      "could not reach 'postgres://app:s3cret@db/x', and /srv/a:b@c",
      "could not reach 'postgres://app:***@db/x', and /srv/a:b@c",
    ],
  ];
  for (const [text, masked] of cases) assert.equal(mask(text), masked);
});

test('what holds no secret is unchanged', () => {
  for (const text of [
    'postgres://app@db/orders',
    '/srv/app.db',
    'file:///var/backups',
    'user@example.org: hello',
  ]) {
    assert.equal(mask(text), text);
  }
});

test('masking reaches every text of a value', () => {
  assert.deepEqual(maskDeep({ a: ['postgres://u:p@h/d', 1, null], b: { c: 'hfk1-abc' } }), {
    a: ['postgres://u:***@h/d', 1, null],
    b: { c: 'hfk1-***' },
  });
});
