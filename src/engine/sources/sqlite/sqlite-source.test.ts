import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sourceConformance } from '../../../../test/conformance/source.ts';
import { makeBank } from '../../../../test/support/bank.ts';
import { sourceContext } from '../../../../test/support/stream-artifacts.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { PreviousArtifact } from '../port.ts';
import { sqliteSource } from './sqlite-source.ts';

sourceConformance('sqlite', async (t) => {
  const folder = await temporaryFolder(t);
  makeBank(join(folder, 'bank.db'), 'wal');
  const source = (path: string) => sqliteSource({ name: 'bank', path: join(folder, path) });
  return {
    source: source('bank.db'),
    missing: { source: source('nothing.db'), code: 'source_missing' },
    isRepeatable: true,
  };
});

/** Backs up with what an earlier backup is said to have found; its facts carry a mark that no check would give. */
async function checkedAgain(path: string, scratchFolder: string, told: Partial<PreviousArtifact> = {}) {
  const { artifact, facts, sha256, sizeBytes } = await produced(path, scratchFolder, null);
  const before = { sizeBytes, sha256, ...told, facts: { ...facts, userVersion: 777, ...told.facts } };
  assert.equal(artifact.kind, 'sqlite');
  const again = await produced(path, scratchFolder, before);
  assert.deepEqual({ ...again.facts, userVersion: 0 }, { ...facts, userVersion: 0 });
  return again.facts.userVersion !== 777;
}

async function produced(path: string, scratchFolder: string, previous: PreviousArtifact | null) {
  const session = await sqliteSource({ name: 'bank', path }).open(sourceContext(scratchFolder));
  try {
    const artifact = session.artifacts[0]!;
    assert.ok(artifact.form === 'stream');
    const pieces: Buffer[] = [];
    const facts = await artifact.produce(
      { write: (bytes) => void pieces.push(Buffer.from(bytes)), cut() {} },
      previous,
    );
    const bytes = Buffer.concat(pieces);
    return {
      artifact,
      facts,
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  } finally {
    await session.close();
  }
}

test('bytes that passed their check before are not checked again, anything else is', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'bank.db');
  makeBank(path, 'delete');
  const again = (told?: Partial<PreviousArtifact>) => checkedAgain(path, folder, told);
  assert.equal(await again(), false);
  assert.equal(await again({ sha256: 'ab'.repeat(32) }), true, 'other bytes of the same size');
  assert.equal(await again({ sizeBytes: 4096 }), true);
  assert.equal(await again({ facts: { sqliteVersion: '3.0.0' } }), true, 'checked by another SQLite');
  assert.equal(await again({ facts: { damage: ['row 1 missing'] } }), true);
  assert.equal(await again({ facts: { foreignKeyViolations: 1 } }), true, 'its warning is to be said again');
  const database = new DatabaseSync(path);
  database.exec('pragma user_version = 5');
  database.close();
  assert.equal(await again(), false);
});
