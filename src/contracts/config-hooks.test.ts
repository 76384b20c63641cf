import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './config-file.ts';
import { runHooksOf } from './config-hooks.ts';

const parsed = (hook: string) =>
  parseConfig(
    `sources: {app: {kind: sqlite, path: app.db}}\nplans: {n: {sources: [app], hooks: {before: [${hook}]}}}\n`,
  );

test('hooks without a command, with two, or asking for keys are refused with their field', () => {
  for (const [hook, expected] of [
    ['{shell: a, command: [b]}', /before\.0\.command: needs either command or shell/],
    ['{timeLimitSeconds: 5}', /before\.0\.command: needs either command or shell/],
    ['{command: []}', /before\.0\.command: must name a program/],
    ['{command: [a], timeLimitSeconds: 0}', /timeLimitSeconds: must be at least 1/],
    ['{command: [a], environment: [BACKUP_ENCRYPTION_KEY]}', /environment\.0: must not be the name of a key/],
    ['{command: [a], environment: [BACKUP_ENCRYPTION_KEY_OLD_FILE]}', /must not be the name of a key/],
    ['{command: [a], environment: [S3_SECRET_ACCESS_KEY]}', /must not be the name of a key/],
    ['{command: [a], environment: [SFTP_PASSWORD]}', /must not be the name of a key/],
    ['{command: [a], environment: [VAULT_TOKEN_FILE]}', /must not be the name of a key/],
    ['{command: [a], environment: ["A=B"]}', /must be the name of an environment variable/],
  ] as const) {
    const result = parsed(hook);
    assert.ok('problems' in result, hook);
    assert.match(result.problems.map(({ field, message }) => `${field}: ${message}`).join('\n'), expected);
  }
});

test('hooks become what the engine runs, with the variables that are set and nothing else', () => {
  const result = parsed(
    '{command: [/bin/stop, now], timeLimitSeconds: 5, environment: [SOCKET, NOT_SET]}, {shell: "true"}',
  );
  assert.ok('config' in result);
  const { before, after } = runHooksOf(result.config.plans.n!.hooks, { SOCKET: '/run/app', OTHER: 'x' });
  assert.deepEqual(before, [
    { command: ['/bin/stop', 'now'], timeLimitMs: 5000, environment: { SOCKET: '/run/app' } },
    { command: 'true', timeLimitMs: 300_000, environment: {} },
  ]);
  assert.deepEqual(after, []);
});
