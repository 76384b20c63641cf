import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel } from './config-channels.ts';
import { parseConfig, unsetVariables } from './config-file.ts';
import { isProblem, NOTICE_KINDS, namesKind, publicEvent } from './notice-events.ts';

const problemsOf = (yaml: string) => {
  const result = parseConfig(yaml);
  return 'problems' in result ? result.problems.map(({ field, message }) => `${field}: ${message}`) : [];
};
const inChannel = (body: string) => problemsOf(`channels:\n  ops: ${body}\n`);

test('a channel of each kind, as the manual has them', () => {
  assert.deepEqual(
    problemsOf(`
sources: {app: {kind: sqlite, path: app.db}}
plans: {nightly: {sources: [app]}}
channels:
  on-call:
    kind: webhook
    url: {env: ONCALL_URL}
    secret: {file: /etc/holdfast/webhook.secret}
    rules:
      - events: [problems]
      - {events: [backup_completed], plans: [nightly], tenants: [acme, global]}
  mail:
    kind: email
    host: mail.example.org
    login: {user: holdfast, password: {env: SMTP_PASSWORD}}
    from: holdfast@example.org
    to: [ops@example.org]
  healthchecks: {kind: ping, url: 'https://hc-ping.com/\${HC_UUID}'}
`),
    [],
  );
});

test('what is wrong with a channel is said with its field', () => {
  for (const [body, expected] of [
    ['{kind: webhook, url: https://a.example}', /secret: is missing/],
    ['{kind: webhook, url: https://a.example, secret: abc}', /secret: must be a map/],
    [
      '{kind: webhook, url: ftp://a.example, secret: {env: S}}',
      /url: must begin with https:\/\/ or http:\/\//,
    ],
    [
      '{kind: webhook, url: https://a.example, secret: {env: S}, rules: []}',
      /rules: must hold at least one rule/,
    ],
    [
      '{kind: ping, url: https://a.example, rules: [{events: [backup_faild]}]}',
      /rules\.0\.events\.0: must be/,
    ],
    [
      '{kind: ping, url: https://a.example, rules: [{plans: [nigthly]}]}',
      /rules\.0\.plans\.0: there is no plan "nigthly"/,
    ],
    ['{kind: email, host: h, from: nobody, to: [a@b.example]}', /from: must be an e-mail address/],
    [
      '{kind: email, host: h, from: a@b.example, to: ["a@b.example\\r\\nBcc: c@d.example"]}',
      /to\.0: must be an e-mail address/,
    ],
    [
      '{kind: email, host: h, from: a@b.example, to: [a@b.example], security: none, login: {user: u, password: {env: P}}}',
      /login: must not be sent in the clear/,
    ],
    ['{kind: pager, url: x}', /kind: must be/],
  ] as const) {
    assert.match(inChannel(body).join('\n'), expected, body);
  }
});

test('secrets are never part of a channel: only where they are found', () => {
  const body = {
    kind: 'email',
    host: 'h',
    from: 'a@b.example',
    to: ['a@b.example'],
    login: { user: 'u', password: 'literal' },
  };
  assert.equal(channel.safeParse(body).success, false);
});

test('a variable in an address that is not set is named', () => {
  const result = parseConfig("channels: {p: {kind: ping, url: 'https://hc.example/${UUID}'}}\n");
  assert.ok('config' in result);
  const [problem] = unsetVariables(result.config, result.placeOf, {});
  assert.match(problem!.message, /UUID is not set/);
});

test('kinds, groups and the names that receivers see', () => {
  assert.deepEqual(
    NOTICE_KINDS.filter((kind) => !isProblem(kind)),
    NOTICE_KINDS.filter((kind) => /^(?!run_).*_(completed|started)$/.test(kind)),
  );
  assert.ok(NOTICE_KINDS.every((kind) => namesKind('all', kind) && namesKind(kind, kind)));
  assert.deepEqual(
    (
      [
        'backup_failed',
        'backup_interrupted',
        'backup_skipped',
        'drill_failed',
        'copy_missing',
        'run_missed',
      ] as const
    ).map(publicEvent),
    [
      'backup_completed',
      'backup_completed',
      'backup_skipped',
      'drill_completed',
      'copy_missing',
      'run_missed',
    ],
  );
});
