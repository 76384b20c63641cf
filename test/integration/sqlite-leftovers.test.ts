/** Reliability 30: what killed writers left behind, and databases beyond SQLite's lock page at 1 GiB. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareSqlite } from '../../src/engine/sources/sqlite/index.ts';
import { auditBank, makeBank, startTeller } from '../support/bank.ts';
import { count } from '../support/counts.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { sqliteContent } from '../support/sqlite-content.ts';
import { type SqliteVault, sqliteVault } from '../support/sqlite-operations.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Scene {
  readonly vault: SqliteVault;
  readonly random: SeededRandom;
  readonly folder: string;
  readonly mode: string;
  readonly ballastBytes: number;
}

async function sceneOf(t: TestContext, mode: string, ballastBytes = 0): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const random = seededRandom(`leftovers in ${mode} mode`);
  return { vault: await sqliteVault(folder), random, folder, mode, ballastBytes };
}

/**
 * Kills a writer, backs up what it left, and compares what is restored with what SQLite makes of a copy. True when
 * the main file alone, without its journal, would not have done: then the trial proves something.
 */
async function trial({ vault, random, folder, mode, ballastBytes }: Scene): Promise<boolean> {
  const at = (name: string) => join(folder, name);
  const [bank, twin] = [at('bank'), at('twin')];
  mkdirSync(bank);
  const path = join(bank, 'bank.db');
  makeBank(path, mode, ballastBytes);
  const teller = await startTeller(path, 'long');
  await teller.after(1 + random.int(3));
  await sleep(random.int(30));
  await teller.kill();
  cpSync(bank, twin, { recursive: true });
  cpSync(path, at('alone.db'));
  assert.ok(statSync(path).size > ballastBytes);

  await vault.restore(await vault.backUp(path), at('restored.db'), 'bank.db');
  // In this order: looking into the twin plays its journal back.
  const expected = contentOf(join(twin, 'bank.db'), ballastBytes);
  assert.deepEqual(contentOf(at('restored.db'), ballastBytes), expected);
  assert.deepEqual(compareSqlite(join(twin, 'bank.db'), at('restored.db')), []);
  assert.deepEqual(auditBank(at('restored.db')).faults, []);
  assert.deepEqual(contentOf(path, ballastBytes), expected, 'the original is still to be recovered');
  const proves =
    auditBank(at('alone.db')).faults.length > 0 || differs(at('alone.db'), expected, ballastBytes);
  for (const name of ['bank', 'twin', 'alone.db', 'restored.db']) rmSync(at(name), { recursive: true });
  return proves;
}

/** A large database is compared by `compareSqlite` and its audit alone: a gigabyte takes minutes otherwise. */
const contentOf = (path: string, ballastBytes: number) =>
  ballastBytes > 0 ? auditBank(path) : sqliteContent(path);

function differs(path: string, expected: unknown, ballastBytes: number): boolean {
  try {
    assert.deepEqual(contentOf(path, ballastBytes), expected);
    return false;
  } catch {
    return true;
  }
}

const LEFTOVERS = count(2, 50);

describe('what a killed writer left is backed up as SQLite would recover it', () => {
  for (const mode of ['wal', 'delete']) {
    test(`${LEFTOVERS} times in ${mode} mode`, async (t) => {
      const scene = await sceneOf(t, mode);
      let [trials, proofs] = [0, 0];
      for (; proofs < LEFTOVERS && trials < 10 * LEFTOVERS; trials += 1) {
        if (await trial(scene)) proofs += 1;
      }
      t.diagnostic(`${proofs} of ${trials} times the main file alone would have been wrong`);
      assert.equal(proofs, LEFTOVERS);
    });

    const megabytes = count(24, 1100);
    test(`behind ${megabytes} MB in ${mode} mode`, async (t) => {
      await trial(await sceneOf(t, mode, megabytes << 20));
    });
  }
});
