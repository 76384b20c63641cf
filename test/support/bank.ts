/** A bank: money only moves, so its sum is the same in every moment, and no index would notice if it were not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

export const ACCOUNTS = 4000;
const BALANCE = 1000;

/** About 4 MB behind as much ballast as is asked for, each account on a page of its own with three others. */
export function makeBank(path: string, journalMode: string, ballastBytes = 0): void {
  const bank = new DatabaseSync(path);
  bank.exec(`pragma journal_mode = ${journalMode}; pragma synchronous = off; begin;
    create table account (id integer primary key, balance integer not null, note text not null);
    create table movement (id integer primary key, source integer not null references account,
      target integer not null references account, amount integer not null);`);
  if (ballastBytes > 0) addBallast(bank, ballastBytes);
  const insert = bank.prepare('insert into account values (?, ?, ?)');
  for (let id = 1; id <= ACCOUNTS; id += 1) insert.run(id, BALANCE, 'n'.repeat(900));
  bank.exec('commit');
  bank.close();
}

const BALLAST_BYTES = 8 << 20;

function addBallast(bank: DatabaseSync, sizeBytes: number): void {
  bank.exec('create table ballast (id integer primary key, content blob)');
  const insert = bank.prepare('insert into ballast (content) values (zeroblob(?))');
  for (let at = 0; at < sizeBytes; at += BALLAST_BYTES) insert.run(BALLAST_BYTES);
}

export interface BankReport {
  /** What is wrong; empty for a consistent copy. */
  readonly faults: readonly string[];
  readonly movements: number;
}

/** Looks at a copy: SQLite's own checks, and whether the money is all there and the movements explain it. */
export function auditBank(path: string): BankReport {
  try {
    const bank = new DatabaseSync(path);
    try {
      return auditOpen(bank);
    } finally {
      bank.close();
    }
  } catch (error) {
    return { faults: [(error as Error).message], movements: 0 };
  }
}

function auditOpen(bank: DatabaseSync): BankReport {
  const faults: string[] = [];
  const integrity = bank.prepare('pragma integrity_check(1)').get()!.integrity_check;
  if (integrity !== 'ok') faults.push(`integrity_check: ${integrity}`);
  if (bank.prepare('pragma foreign_key_check').all().length > 0) faults.push('foreign keys');
  const sum = Number(bank.prepare('select sum(balance) as sum from account').get()!.sum);
  if (sum !== ACCOUNTS * BALANCE) faults.push(`the sum is off by ${sum - ACCOUNTS * BALANCE}`);
  const unexplained = bank
    .prepare(`select count(*) as n from account left join (
        select id, sum(amount) as moved from (select target as id, amount from movement
          union all select source, -amount from movement) group by id) using (id)
      where balance <> ${BALANCE} + coalesce(moved, 0)`)
    .get()!;
  if (Number(unexplained.n) > 0) faults.push(`${unexplained.n} balances are not what was moved`);
  const movements = Number(bank.prepare('select count(*) as n from movement').get()!.n);
  return { faults, movements };
}

export interface BankTeller {
  /** How many transactions it has committed, once it has committed so many more. Rejects when it ended. */
  after(more: number): Promise<number>;
  /** Lets it end by itself. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * Moves money in a process of its own, and is at work on return. `short` makes small transactions; `long` makes large
 * ones that spill into the file before they are committed, so that killing it leaves a journal to be played back.
 * In WAL mode it ends with an error when anybody keeps it waiting.
 */
export async function startTeller(path: string, kind: 'short' | 'long'): Promise<BankTeller> {
  const script = fileURLToPath(new URL('./bank-teller.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  const ended = once(child, 'close');
  const answers = createInterface(child.stdout);
  const after = async (more: number) => {
    const answer = once(answers, 'line');
    child.stdin.write(`${more}\n`);
    const line = await Promise.race([answer, ended.then(() => null)]);
    if (line === null) throw new Error('the teller ended');
    return Number(line[0]);
  };
  await after(1);
  return {
    after,
    async stop() {
      child.stdin.end();
      const [code] = await ended;
      if (code !== 0) throw new Error(`the teller ended with ${code}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
