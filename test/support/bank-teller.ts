/**
 * The process that moves money: see bank.ts. Asked for a number on its input, it answers how many transactions it has
 * committed once it has committed that many more. Ends when its input does.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNTS } from './bank.ts';

const [path, transactions] = process.argv.slice(2) as [string, 'short' | 'long'];
const bank = new DatabaseSync(path);
const { journal_mode: journalMode } = bank.prepare('pragma journal_mode').get()!;
// In WAL mode nobody may keep it waiting: it would fail at once.
if (journalMode !== 'wal') bank.exec('pragma busy_timeout = 60000');
// Nothing is lost by a kill without fsync, only by a power cut; and the disk does not set the pace.
bank.exec('pragma synchronous = off');
if (transactions === 'long') bank.exec('pragma cache_size = 10');
const pay = bank.prepare('update account set balance = balance + ?, note = note where id = ?');
const record = bank.prepare('insert into movement (source, target, amount) values (?, ?, ?)');
const anyone = () => 1 + Math.floor(Math.random() * ACCOUNTS);
const payments = transactions === 'long' ? 400 : 1;
/** Some thousand short transactions a second: faster ones only make the file grow under the test. */
const BATCH = transactions === 'long' ? 1 : 10;

function transact(): void {
  bank.exec('begin immediate');
  for (let i = 0; i < payments; i += 1) {
    const [source, target, amount] = [anyone(), anyone(), 1 + Math.floor(Math.random() * 9)];
    pay.run(-amount, source);
    pay.run(amount, target);
    record.run(source, target, amount);
  }
  bank.exec('commit');
}

let made = 0;
let stopping = false;
const goals: number[] = [];
const questions = createInterface(process.stdin);
questions.on('line', (more) => goals.push(made + Number(more)));
const noMore = once(questions, 'close').then(() => {
  stopping = true;
});
while (!stopping) {
  for (let i = 0; i < BATCH; i += 1) transact();
  made += BATCH;
  while (goals.length > 0 && goals[0]! <= made) {
    goals.shift();
    process.stdout.write(`${made}\n`);
  }
  await sleep(transactions === 'long' ? 0 : 2);
}
await noMore;
bank.close();
