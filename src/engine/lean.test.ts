import assert from 'node:assert/strict';
import test from 'node:test';
import * as whole from './index.ts';
import * as lean from './lean.ts';

const functionsOf = (module: object) =>
  Object.entries(module).filter(([, value]) => typeof value === 'function') as [string, () => unknown][];

test('the lean door has nothing that the whole one has not, and the same where it need not wait', () => {
  const all = whole as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(lean)) {
    assert.ok(name in all, `${name} is not in index.ts`);
    if (typeof value !== 'function' || value.name !== 'method') assert.equal(value, all[name], name);
  }
});

test('what the lean door loads later answers by a promise at the whole one, too', () => {
  const all = new Map(functionsOf(whole));
  const later = functionsOf(lean).filter(([, given]) => given.name === 'method');
  assert.ok(later.length > 10);
  for (const [name] of later) assert.equal(all.get(name)!.constructor.name, 'AsyncFunction', name);
});

test('what is loaded later is called with what was given, and its errors come through', async () => {
  const request = {
    ...{ file: '/nowhere/at-all', folder: '/nowhere/either', keyTexts: [] },
    ...{ progress: whole.silentProgress, signal: new AbortController().signal },
  };
  const codes: string[] = [];
  for (const door of [lean, whole]) {
    await door.openBundle(request).catch((error: whole.HoldfastError) => codes.push(error.code));
  }
  assert.equal(codes.length, 2);
  assert.equal(codes[0], codes[1]);
});
