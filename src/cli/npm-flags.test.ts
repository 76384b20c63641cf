import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withNpmFlags } from './npm-flags.ts';

const RESTORE = [
  { long: '--confirm-restore', takesValue: false },
  { long: '--share', takesValue: true },
  { long: '--tenant-id', takesValue: true },
];
const npm = (flags: Record<string, string>) => ({ npm_lifecycle_event: 'backup:restore', ...flags });

test('flags that npm swallowed come back', () => {
  const environment = npm({
    npm_config_confirm_restore: 'true',
    npm_config_tenant_id: 't1',
    npm_config_type: 'db',
  });
  assert.deepEqual(withNpmFlags(['latest'], RESTORE, environment), [
    'latest',
    '--confirm-restore',
    '--tenant-id=t1',
  ]);
});

test('what the command line says wins, and nothing lands behind a separator', () => {
  const environment = npm({ npm_config_share: '10%', npm_config_tenant_id: 't1' });
  assert.deepEqual(withNpmFlags(['x', '--share=5', '--', '--tenant-id'], RESTORE, environment), [
    'x',
    '--share=5',
    '--tenant-id=t1',
    '--',
    '--tenant-id',
  ]);
});

test('a flag counts only below npm run, only when true, and only with a value where one is needed', () => {
  assert.deepEqual(withNpmFlags(['x'], RESTORE, { npm_config_confirm_restore: 'true' }), ['x']);
  for (const value of ['', 'false', '1', 'yes']) {
    assert.deepEqual(withNpmFlags(['x'], RESTORE, npm({ npm_config_confirm_restore: value })), ['x']);
  }
  assert.deepEqual(withNpmFlags(['x'], RESTORE, npm({ npm_config_share: 'true' })), ['x']);
});

test("npm's own settings are not taken for flags", () => {
  const known = [{ long: '--prefix', takesValue: true }];
  assert.deepEqual(withNpmFlags(['x'], known, npm({ npm_config_prefix: '/usr' })), ['x']);
});
