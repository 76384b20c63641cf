import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '../engine/base/errors.ts';
import { failureJson, failureOf, renderFailure } from './failure.ts';

test('an error is one message, the next step and its exit code', () => {
  const failure = failureOf(new HoldfastError('source_missing', 'a.db does not exist'), false);
  assert.equal(renderFailure(failure), 'holdfast: a.db does not exist\n  next: check its path or address\n');
  assert.deepEqual(failureJson(failure), {
    error: { code: 'source_missing', message: 'a.db does not exist', next: 'check its path or address' },
  });
  assert.equal(failure.exitCode, 1);
});

test('after Ctrl-C the message is about that', () => {
  const failure = failureOf(new Error('The operation was aborted'), true);
  assert.deepEqual([failure.code, failure.exitCode], ['interrupted', 130]);
  assert.match(failure.next, /run again: what is stored is kept/);
});

test('the unforeseen comes with details, secrets masked and control characters visible', () => {
  const failure = failureOf(new Error('no route to postgres://a:s3cret@h/d\x1b[2J'), false);
  assert.equal(failure.code, 'internal');
  assert.equal(failure.message, 'no route to postgres://a:***@h/d\\x1b[2J');
  assert.match(failure.details!, /failure\.test\.ts/);
  assert.doesNotMatch(renderFailure(failure), /s3cret/);
  assert.ok(!renderFailure(failure).includes('\x1b'));
});

test("the parser's words fit the style", () => {
  const thrown = Object.assign(new Error("error: unknown option '--tpe'\n(Did you mean --type?)"), {
    code: 'commander.unknownOption',
  });
  const failure = failureOf(thrown, false);
  assert.deepEqual([failure.message, failure.exitCode], ["unknown option '--tpe', did you mean --type?", 2]);
});
