/** Backups of a bank at work: every copy shows one moment. */
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { auditBank, type BankTeller, makeBank, startTeller } from '../support/bank.ts';
import { count } from '../support/counts.ts';
import { backUpSqlite } from '../support/sqlite-runs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RUNS = count(8, 100);

describe('sqlite under a writer', () => {
  for (const mode of ['wal', 'delete']) {
    test(`every backup in ${mode} mode is whole, and the writer goes on`, async (t) => {
      const folder = await temporaryFolder(t);
      const path = join(folder, 'bank.db');
      const copy = join(folder, 'copy.db');
      makeBank(path, mode);
      const teller = await startTeller(path, 'short');
      t.after(() => teller.kill());
      let meanwhile = 0;
      for (let run = 0; run < RUNS; run += 1) {
        const made = await teller.after(100);
        const { bytes, facts, copiedBytes } = await backUpSqlite(path);
        meanwhile += (await teller.after(0)) - made;
        // Bounded: a copy that starts over reports more than there is. What is copied is then read once.
        assert.ok(copiedBytes <= 2 * bytes.length, `${copiedBytes} bytes copied of ${bytes.length}`);
        assert.equal(facts.journalMode, mode);
        writeFileSync(copy, bytes);
        const { faults, movements } = auditBank(copy);
        assert.deepEqual(faults, []);
        assert.ok(movements >= made, `${made} were committed before it began, the copy has ${movements}`);
      }
      t.diagnostic(`${meanwhile} transactions while ${RUNS} backups ran`);
      await teller.stop();
      assert.deepEqual(auditBank(path).faults, []);
    });

    test(`control: a slow plain copy in ${mode} mode is torn`, async (t) => {
      const folder = await temporaryFolder(t);
      const path = join(folder, 'bank.db');
      makeBank(path, mode);
      const teller = await startTeller(path, 'short');
      t.after(() => teller.kill());
      const wanted = count(1, 10);
      // Most copies are torn; of a hundred, at least a tenth. Per commit one tells enough, and it comes sooner or later.
      const tries = count(40, 100);
      let [run, torn] = [0, 0];
      for (; run < tries && (torn === 0 || run < count(1, 100)); run += 1) {
        const copy = join(folder, `copy-${run}.db`);
        await plainCopy(path, copy, teller);
        if (auditBank(copy).faults.length > 0) torn += 1;
        for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
      }
      t.diagnostic(`${torn} of ${run} plain copies are torn`);
      assert.ok(torn >= wanted, `${torn} of ${run} plain copies are torn`);
    });
  }

  test('control: steps without a read transaction start over at every write', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'bank.db');
    makeBank(path, 'wal');
    const [reader, writer] = [new DatabaseSync(path, { readOnly: true }), new DatabaseSync(path)];
    t.after(() => [reader, writer].map((database) => database.close()));
    const pay = writer.prepare('update account set balance = balance + 1 where id = 1');
    let copied = 0;
    const progress = ({ totalPages }: { totalPages: number }) => {
      pay.run();
      copied += 100;
      if (copied > 3 * totalPages) throw new Error('starts over');
    };
    await assert.rejects(backup(reader, join(folder, 'copy.db'), { rate: 100, progress }), /starts over/);
  });
});

/** Byte by byte as `cp` does it, on a disk so slow that 300 transactions fit between two halves. */
async function plainCopy(path: string, copy: string, teller: BankTeller): Promise<void> {
  for (const end of ['', '-wal']) {
    if (!existsSync(path + end)) continue;
    const from = openSync(path + end, 'r');
    const to = openSync(copy + end, 'w');
    const half = Buffer.alloc(Math.ceil(statSync(path + end).size / 2));
    for (let at = 0; at < 2; at += 1) {
      const read = readSync(from, half, 0, half.length, at * half.length);
      writeSync(to, half, 0, read);
      await teller.after(300);
    }
    closeSync(from);
    closeSync(to);
  }
}
