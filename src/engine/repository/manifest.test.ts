import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '../base/ids.ts';
import { decodeManifest, encodeManifest, isTenantId, type Manifest } from './manifest.ts';

function sample(): Manifest {
  return {
    version: 1,
    id: newId(),
    repositoryId: newId(),
    plan: 'nightly',
    tenantId: 'acme',
    type: 'full',
    complete: false,
    startedAt: '2026-01-02T03:04:05.006Z',
    finishedAt: '2026-01-02T03:05:05.006Z',
    host: 'db1',
    program: 'holdfast 0.1.0',
    tools: { pg_dump: '16.2' },
    previous: null,
    artifacts: [
      {
        name: 'db.dump',
        source: 'main',
        kind: 'pg-dump',
        form: 'stream',
        sizeBytes: 72,
        sha256: 'ab'.repeat(32),
        content: { sizeBytes: 72, depth: 1, refs: randomBytes(72) },
        facts: { tables: [{ name: 'users', rows: 3 }], note: null },
      },
    ],
    problems: [{ artifact: 'files', path: 'a/b', cause: 'denied', message: 'EACCES' }],
    statistics: { bytesRead: 72 },
    ledgerHead: 'cd',
  };
}

test('a manifest decodes to what was encoded', () => {
  const manifest = sample();
  assert.deepEqual(decodeManifest(encodeManifest(manifest)), manifest);
});

test('what is not a manifest is null', () => {
  const manifest = sample();
  const change = (edit: (value: Record<string, unknown>) => void) => {
    const value = JSON.parse(encodeManifest(manifest).toString());
    edit(value);
    return Buffer.from(JSON.stringify(value));
  };
  const artifact = (value: Record<string, unknown>) =>
    (value.artifacts as { content: Record<string, unknown> }[])[0]!;
  const wrong = [
    Buffer.from('{'),
    Buffer.from('null'),
    change((value) => {
      value.version = 2;
    }),
    change((value) => {
      value.tenantId = 'global';
    }),
    change((value) => {
      value.tenantId = '../x';
    }),
    change((value) => {
      value.type = 'dump';
    }),
    change((value) => {
      value.startedAt = '2026-01-02';
    }),
    change((value) => {
      value.id = 'x';
    }),
    change((value) => {
      artifact(value).content.depth = 5;
    }),
    change((value) => {
      artifact(value).content.refs = 'AAAA';
    }),
    change((value) => {
      artifact(value).content.refs = `${artifact(value).content.refs}=`;
    }),
    change((value) => {
      artifact(value).content.sizeBytes = -1;
    }),
    change((value) => {
      delete value.complete;
    }),
  ];
  for (const [i, bytes] of wrong.entries()) assert.equal(decodeManifest(bytes), null, `case ${i}`);
});

test('fields of a later program are dropped, not refused', () => {
  const manifest = sample();
  const value = { ...JSON.parse(encodeManifest(manifest).toString()), mood: 'good' };
  assert.deepEqual(decodeManifest(Buffer.from(JSON.stringify(value))), manifest);
});

test('global is no tenant', () => {
  assert.equal(isTenantId('global'), false);
  assert.equal(isTenantId('acme'), true);
  assert.equal(isTenantId('a/b'), false);
  assert.equal(isTenantId(''), false);
});
