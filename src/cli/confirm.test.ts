import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { requireConfirmation, shellQuoted } from './confirm.ts';

const attempt = (environment: Record<string, string | undefined>, flag: boolean, to = '/tmp/my app') => {
  try {
    requireConfirmation(fakeCli(fakeIo({ environment })), flag, ['restore', 'latest', '--to', to]);
    return null;
  } catch (error) {
    return error as { code: string; exitCode: number; next: string };
  }
};

test('restoring needs the flag or CONFIRM=yes, and says the command line to run', () => {
  assert.equal(attempt({}, true), null);
  assert.equal(attempt({ CONFIRM: 'yes' }, false), null);
  for (const environment of [{}, { CONFIRM: 'true' }, { CONFIRM: 'YES' }]) {
    const refusal = attempt(environment, false)!;
    assert.deepEqual([refusal.code, refusal.exitCode], ['not_confirmed', 7]);
    assert.match(refusal.next, /holdfast restore latest --to '\/tmp\/my app' --confirm-restore$/);
  }
});

test('production needs CONFIRM_RESTORE_IN_PROD=true besides', () => {
  for (const production of [{ NODE_ENV: 'production' }, { HOLDFAST_ENVIRONMENT: 'production' }]) {
    for (const more of [{}, { CONFIRM_RESTORE_IN_PROD: 'yes' }]) {
      const refusal = attempt({ ...production, ...more }, true)!;
      assert.match(refusal.next, /CONFIRM_RESTORE_IN_PROD=true holdfast restore .* --confirm-restore$/);
    }
    assert.ok(attempt({ ...production, CONFIRM_RESTORE_IN_PROD: 'true' }, false), 'the flag is still needed');
    assert.equal(attempt({ ...production, CONFIRM_RESTORE_IN_PROD: 'true' }, true), null);
  }
});

test('the repeated command line hides a password', () => {
  assert.doesNotMatch(attempt({}, false, 'postgres://app:s3cret@h/d')!.next, /s3cret/);
});

test('arguments are quoted for a shell', () => {
  assert.equal(shellQuoted("it's"), "'it'\\''s'");
  assert.equal(shellQuoted('/srv/a-b_c.d'), '/srv/a-b_c.d');
  assert.equal(shellQuoted(''), "''");
});
