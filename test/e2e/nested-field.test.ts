import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldAt, listOfWords, listOrNone, withFieldAt } from '../../web/src/documents/nested-field.ts';

test('a field inside of a document is changed, and what is around it stays', () => {
  const body = { kind: 'email', login: { user: 'ops', password: { env: 'OLD', note: 1 } }, to: ['a@b'] };
  const before = structuredClone(body);
  assert.equal(fieldAt(body, 'login.password.env'), 'OLD');
  assert.equal(fieldAt(body, 'kind.env'), undefined, 'a text has no fields');
  assert.deepEqual(withFieldAt(body, 'login.password.env', 'NEW'), {
    ...body,
    login: { user: 'ops', password: { env: 'NEW', note: 1 } },
  });
  assert.deepEqual(body, before, 'the one that was given is not touched');
});

test('what becomes empty goes, up to what still holds something', () => {
  const body = { kind: 'email', login: { password: { env: 'OLD' } } };
  assert.deepEqual(withFieldAt(body, 'login.password.env', ''), { kind: 'email' });
  assert.deepEqual(withFieldAt({ url: 'https://a' }, 'url.env', 'URL'), { url: { env: 'URL' } });
  assert.deepEqual(withFieldAt({ enabled: false }, 'enabled', undefined), {});
});

test('words divided by commas or lines; a list of nothing is none', () => {
  assert.deepEqual(listOfWords('nightly, weekly\n hourly,'), ['nightly', 'weekly', 'hourly', '']);
  assert.deepEqual(listOrNone(['nightly', '']), ['nightly']);
  assert.equal(listOrNone(['', '']), undefined);
});
