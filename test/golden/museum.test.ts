/** Frozen repositories of every format version stay readable; of every defect exactly that is reported. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import { restoreBackup } from '../support/backup-fixture.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type Exhibit, frozenStorage, type Museum } from '../support/frozen-repository.ts';

const here = import.meta.dirname;
const museum: Museum = JSON.parse(readFileSync(join(here, 'museum.json'), 'utf8'));
/** A day after the museum was made, whatever the day of the visit. */
const clock = fakeClock(Date.parse('2026-01-10T00:00:00.000Z'));
const credentials = [parseKeyText(museum.keyText)];

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const hashed = (parts: { readonly [name: string]: Buffer }) =>
  Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, sha256(bytes)]));

async function checkExhibit(exhibit: Exhibit): Promise<void> {
  const storage = await frozenStorage(join(here, exhibit.folder), clock);
  const { refused } = exhibit;
  const opened = await openRepository({ storage, credentials, clock }).catch((error: Error) => error);
  if (opened instanceof Error) {
    assert.ok(refused, opened.message);
    assert.equal(codeOf(opened), refused.code);
    assert.ok(opened.message.includes(refused.names), opened.message);
    return;
  }
  assert.equal(refused, undefined, 'it opens');
  const report = await verifyRepository(opened);
  const { findings = [], damaged = [], rejected = [], affected = [], unlistedPacks = 0 } = exhibit;
  assert.deepEqual(opened.findings.map(({ code }) => code), findings.map(({ code }) => code));
  for (const [i, { names }] of findings.entries()) assert.ok(opened.findings[i]!.message.includes(names));
  assert.deepEqual(
    {
      damaged: report.damaged.map(({ name }) => name),
      rejected: report.rejected.map(({ name }) => name),
      affected: report.affected.map(({ id }) => id).sort(),
      unlistedPacks: report.unlistedPacks,
      ok: report.ok,
    },
    {
      damaged,
      rejected,
      affected: [...affected].sort(),
      unlistedPacks,
      ok: damaged.length + rejected.length + affected.length === 0,
    },
  );
  const unharmed = museum.backups.filter(({ id }) => !affected.includes(id));
  for (const { id, state, streams, trees } of unharmed) {
    const { ref, manifest } = await opened.manifests.resolve(id, ['backups', 'archived']);
    assert.equal(ref.state, state);
    const restored = await restoreBackup(opened, manifest);
    assert.deepEqual(hashed(restored.streams), streams);
    for (const [name, files] of Object.entries(trees)) assert.deepEqual(hashed(restored.trees[name]!), files);
  }
  const pruned = await applyPrune(opened).then(() => null, codeOf);
  assert.equal(pruned, exhibit.pruneRefused ?? null);
}

test('the museum is not empty', () => {
  assert.ok(museum.exhibits.length > 15);
  assert.equal(museum.backups.length, 3);
});

for (const exhibit of museum.exhibits) {
  test(`${exhibit.folder}: ${exhibit.defect}`, () => checkExhibit(exhibit));
}
