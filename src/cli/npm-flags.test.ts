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
  assert.deepEqual(withNpmFlags(['x'], RESTORE, npm({ npm_config_share: '' })), ['x']);
});

test('an option whose value npm lost or hid is refused: without --to a restore would go over the original', () => {
  const next = 'put -- before the options: npm run backup:restore -- --share …';
  const lost = npm({ npm_config_share: 'true' });
  assert.throws(() => withNpmFlags(['x', '10%'], RESTORE, lost), { code: 'usage', next });
  const known = [...RESTORE, { long: '--to', takesValue: true }];
  const hidden = npm({ npm_config_token_description: '/safe', npm_config_confirm_restore: 'true' });
  assert.throws(() => withNpmFlags(['latest'], known, hidden), { code: 'usage', message: /--to/ });
  assert.deepEqual(withNpmFlags(['latest', '--to=/safe'], known, hidden), [
    ...['latest', '--to=/safe', '--confirm-restore'],
  ]);
  assert.deepEqual(withNpmFlags(['x'], RESTORE, hidden), ['x', '--confirm-restore']);
});

test("npm's own settings are not taken for flags", () => {
  const known = [{ long: '--prefix', takesValue: true }];
  assert.deepEqual(withNpmFlags(['x'], known, npm({ npm_config_prefix: '/usr' })), ['x']);
});
