import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { problemsOfIssue } from './issue-problems.ts';

/** What is said of a value, each as `path: message`. */
function said(schema: z.ZodType, value: unknown, known: readonly string[] = []): string[] {
  const { error } = schema.safeParse(value);
  assert.ok(error, 'expected something wrong');
  return error.issues
    .flatMap((issue) => problemsOfIssue(issue, value, () => known))
    .map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('a number, a text or a list out of bounds is told its bound', () => {
  const cases: readonly [z.ZodType, unknown, string][] = [
    [z.int().min(1), 0, 'must be at least 1'],
    [z.int().max(23), 24, 'must be at most 23'],
    [z.int(), 2 ** 60, 'must be at most 9007199254740991'],
    [z.coerce.number().int().max(200), '201', 'must be at most 200'],
    [z.number().gt(0), 0, 'must be more than 0'],
    [z.number().lt(0.5), 0.5, 'must be less than 0.5'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(12), 'short', 'must have at least 12 characters'],
    [z.string().max(3), 'long', 'must have at most 3 characters'],
    [z.string().max(1), 'ab', 'must have at most 1 character'],
    [z.string().length(6), '12345', 'must have exactly 6 characters'],
    [z.array(z.int()).min(1), [], 'must not be empty'],
    [z.array(z.int()).min(2), [1], 'must have at least 2 entries'],
    [z.array(z.int()).max(1), [1, 2], 'must have at most 1 entry'],
    [z.int().min(1, 'must be a port'), 0, 'must be a port'],
  ];
  for (const [schema, value, message] of cases) {
    assert.deepEqual(said(z.object({ field: schema }), { field: value }), [`field: ${message}`]);
  }
});

test('nothing is said in the words of zod, and no value is repeated', () => {
  const wrong: readonly [z.ZodType, unknown, string][] = [
    [z.string(), undefined, 'is missing'],
    [z.string(), 5, 'must be a string'],
    [z.coerce.number(), 's3cret', 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.enum(['db', 'full']), 's3cret', 'must be db or full'],
    [z.iso.datetime(), 's3cret', 'must be a time such as 2026-01-31T03:00:00Z'],
    [z.string().regex(/^a/), 's3cret', 'is not of the form that is needed'],
    [z.string().regex(/^a/, 'Must begin with a'), 's3cret', 'must begin with a'],
  ];
  for (const [schema, value, message] of wrong) {
    assert.deepEqual(said(z.object({ field: schema }), { field: value }), [`field: ${message}`]);
  }
  const plain = z.record(z.string().regex(/^a$/), z.int());
  assert.deepEqual(said(plain, { b: 1 }), ['b: is not a valid name']);
});

test('of a union, what is wrong with the form that was meant', () => {
  const schema = z.object({ to: z.union([z.string(), z.strictObject({ days: z.int().max(9) })]) });
  assert.deepEqual(said(schema, { to: { days: 10 } }), ['to.days: must be at most 9']);
  assert.deepEqual(said(schema, { to: 5 }), ['to: must be a name, or a map of fields']);
});

test('an unknown field is named, with the one that was meant where they are known', () => {
  const schema = z.strictObject({ days: z.int().optional() });
  assert.deepEqual(said(schema, { dayz: 1 }), ['dayz: unknown field']);
  assert.deepEqual(said(schema, { dayz: 1 }, ['days']), ['dayz: unknown field, did you mean days?']);
  assert.deepEqual(said(schema, { colour: 1 }, ['days']), ['colour: unknown field, known here: days']);
});
