import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOfType, typeOfKinds } from './backup-type.ts';

test('the type follows from the sources, and says which of them belong to it', () => {
  assert.deepEqual([['sqlite'], ['files', 'command'], ['postgres', 'files']].map(typeOfKinds), [
    'db',
    'storage',
    'full',
  ]);
  const kinds = ['sqlite', 'postgres', 'files', 'command'];
  assert.deepEqual(
    kinds.filter((kind) => isOfType(kind, 'db')),
    ['sqlite', 'postgres'],
  );
  assert.deepEqual(
    kinds.filter((kind) => isOfType(kind, 'storage')),
    ['files', 'command'],
  );
  assert.deepEqual(
    kinds.filter((kind) => isOfType(kind, 'full')),
    kinds,
  );
});
