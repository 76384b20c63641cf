import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArtifactDetails, BackupDetails } from '../engine-door.ts';
import { renderBackup } from './show.ts';

const AT_MS = Date.parse('2026-11-21T03:00:00Z');

function artifact(name: string, kind: string, facts: ArtifactDetails['facts']): ArtifactDetails {
  return { name, kind, facts, source: 'orders', form: 'stream', sizeBytes: 1000, sha256: 'ab'.repeat(32) };
}

function backupOf(artifacts: ArtifactDetails[], problems: BackupDetails['problems'] = []): BackupDetails {
  return {
    ...{ id: '0193a000', plan: null, tenantId: null, type: 'db', status: 'incomplete', held: true },
    ...{ timestampMs: AT_MS, startedAtMs: AT_MS, finishedAtMs: AT_MS, sizeBytes: 2000 },
    ...{ host: 'web1', program: 'holdfast', artifacts, problems, encryption: 'aes-256-gcm' },
  };
}

test('tables of a dump, and of an export with one file per table, are shown with their rows', () => {
  const text = renderBackup(
    backupOf([
      artifact('db.dump', 'pg-dump', { tables: [{ schema: 'public', name: 'users', rows: 1204 }] }),
      artifact('public.a.csv', 'pg-csv', { schema: 'public', name: 'a', rows: 1 }),
      artifact('public.b.csv', 'pg-csv', { schema: 'public', name: 'b', rows: 2 }),
      artifact('schema.json', 'json', { tables: 2 }),
    ]),
    AT_MS,
  );
  assert.ok(
    text.endsWith(`
tables of db.dump   rows
public.users       1,204

tables of orders  rows
public.a             1
public.b             2
`),
    text,
  );
  assert.match(text, /status {4}incomplete, held\n/);
});

test('what could not be read is named, and names cannot forge lines', () => {
  const problem = { artifact: 'uploads', path: 'a\nb', cause: 'denied', message: 'permission denied' };
  assert.ok(
    renderBackup(backupOf([], [problem]), AT_MS).endsWith(
      '\nnot read:\n  uploads: a\\x0ab: permission denied\n',
    ),
  );
});
