import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withHidden, withoutHidden } from './hidden-values.ts';

const request = (name: string, more: object) => ({ name, method: 'GET', path: '/', ...more });
const plan = (checks: readonly object[]) => ({ sources: ['app'], drill: { folder: '/var/tmp', checks } });
/** With these values at the places that may hold secrets. */
const checksWith = ({ key, cookie, body, pin }: Record<'key' | 'cookie' | 'body' | 'pin', string>) => [
  { kind: 'sql', query: 'select 1', expect: 1 },
  {
    kind: 'application',
    name: 'application',
    command: './start',
    environment: { KEY: key, DB: '{app}', EMPTY: '' },
    http: [
      request('login', { headers: { 'Content-Type': 'text/json', Cookie: cookie }, body }),
      request('own', { headers: { Authorization: 'Bearer {token}', 'X-Key': '${KEY}' } }),
    ],
  },
  { kind: 'command', name: 'smoke', command: './smoke', environment: { PIN: pin } },
];
const STORED = plan(checksWith({ key: 's3cret', cookie: 'sid=1', body: 'password=hush', pin: '1234' }));

test('literals are hidden, and references, names and commands are not', () => {
  const shown = withHidden('plan', STORED);
  assert.deepEqual(shown, plan(checksWith({ key: '***', cookie: '***', body: '***', pin: '***' })));
  assert.doesNotMatch(JSON.stringify(shown), /s3cret|hush|sid=1|1234/);
});

test('what comes back hidden is what was stored, wherever a check was moved to', () => {
  const shown = withHidden('plan', STORED);
  assert.deepEqual(withoutHidden('plan', 'p', shown, STORED), STORED);
  const moved = plan([...shown.drill.checks].reverse());
  assert.deepEqual(withoutHidden('plan', 'p', moved, STORED), plan([...STORED.drill.checks].reverse()));
});

test('a value that was written replaces the stored one, and one hidden without one is refused by its field', () => {
  const shown = structuredClone(withHidden('plan', STORED)) as ReturnType<typeof plan>;
  const smoke = shown.drill.checks[2] as { environment: Record<string, string> };
  smoke.environment = { PIN: '9999' };
  const written = withoutHidden('plan', 'p', shown, STORED);
  assert.deepEqual((written.drill.checks[2] as typeof smoke).environment, { PIN: '9999' });
  smoke.environment = { OTHER: '***' };
  const refused = { code: 'config_invalid', message: /^plan\.p\.drill\.checks\.2\.environment\.OTHER: / };
  assert.throws(() => withoutHidden('plan', 'p', shown, STORED), refused);
  assert.throws(() => withoutHidden('plan', 'p', withHidden('plan', STORED), null), {
    code: 'config_invalid',
  });
});

test('a hidden value never becomes that of another check', () => {
  const twice = plan([
    { kind: 'command', name: 'a', command: 'a', environment: { PIN: 'of a' } },
    { kind: 'command', name: 'b', command: 'b', environment: { PIN: 'of b' } },
  ]);
  const renamed = plan([{ kind: 'command', name: 'c', command: 'c', environment: { PIN: '***' } }]);
  assert.throws(() => withoutHidden('plan', 'p', renamed, twice), { code: 'config_invalid' });
  const alone = plan([{ kind: 'command', name: 'b', command: 'b', environment: { PIN: '***' } }]);
  assert.deepEqual(
    (withoutHidden('plan', 'p', alone, twice).drill.checks[0] as { environment: object }).environment,
    { PIN: 'of b' },
  );
});

test('checks without a name are told by what they do', () => {
  const check = (command: string, PIN: string) => ({ kind: 'command', command, environment: { PIN } });
  const stored = plan([check('a', 'of a'), check('b', 'of b'), check('b', 'of the second b')]);
  assert.deepEqual(withoutHidden('plan', 'p', withHidden('plan', stored), stored), stored);
  const first = withoutHidden('plan', 'p', plan([check('a', '***')]), stored);
  assert.deepEqual(first, plan([check('a', 'of a')]));
  // Which of the two was taken out nobody can tell.
  assert.throws(() => withoutHidden('plan', 'p', plan([check('a', '***'), check('b', '***')]), stored));
});

test('bodies of another form are left to whoever checks them', () => {
  for (const body of [
    null,
    1,
    {},
    { drill: null },
    { drill: { checks: {} } },
    plan([null as never]),
    plan([{ http: [1], environment: [] }]),
  ]) {
    assert.deepEqual(withoutHidden('plan', 'p', body, STORED), body);
    assert.deepEqual(withHidden('plan', body), body);
  }
  assert.equal(withHidden('source', STORED), STORED);
});
