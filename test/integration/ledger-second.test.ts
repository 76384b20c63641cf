/** A second verifier, in Python, written from docs/ledger.md, agrees with ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Entry } from '../../src/server/ledger/proof/statements.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';
import { ensureCryptography } from '../support/decoders.ts';
import { joinedAnew, ledgerWorld, STRANGER, writeDump } from '../support/ledger-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../support/verify_ledger.py', import.meta.url));

test('a verifier in another language says the same of good and of bad dumps', async (t) => {
  const python = ensureCryptography();
  const folder = join(await temporaryFolder(t), 'dump');
  const { lines, ledgerId, keys } = await ledgerWorld(await temporaryFolder(t), 60);
  const entries = lines.audit_vault;
  const cases: [string, string, readonly Entry[]][] = [
    ['good', `${ledgerId} 60 8`, entries],
    ['edited', 'wrong: audit_vault 11: hash', entries.with(10, { ...entries[10]!, outcome: 'failed' })],
    ['removed', 'wrong: audit_vault 11: place', entries.toSpliced(10, 1)],
    ['signed by a stranger', 'wrong: audit_vault 11: signature', joinedAnew(entries, 10, STRANGER)],
    [
      'signed by the retired key',
      'wrong: audit_vault 51: retired key',
      joinedAnew(entries, 50, keys[0], entries[0]!.key_id),
    ],
    ['cut', 'wrong: audit_vault 51: the end is gone', entries.slice(0, 50)],
  ];
  for (const [name, said, audit_vault] of cases) {
    await writeDump(folder, { ...lines, audit_vault });
    const { status, stdout, stderr } = spawnSync(python, [SCRIPT, folder], { encoding: 'utf8' });
    assert.deepEqual([stdout.trim(), status, stderr], [said, name === 'good' ? 0 : 4, ''], name);
    const { ok, problems } = await verifyLedgerDump({ folder, kept: null, pinned: [] });
    assert.equal(ok, name === 'good', name);
    if (!ok) assert.ok(said.includes(` ${problems[0]!.seq}:`), `${name}: ${problems[0]!.message}`);
  }
});
