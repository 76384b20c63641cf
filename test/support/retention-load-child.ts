/** Writers of a table that grows, in a process of their own: what keeps its parent busy is no wait of theirs. */

import { createHistogram } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

type Statement = 'insert' | 'update' | 'select';

/** Does one statement on rows up to `top`. */
type Session = (statement: Statement, id: number) => unknown;

const THINK_MS = 4;
const ORDER: readonly Statement[] = ['insert', 'update', 'select'];

const [kind, place, sessions, top] = process.argv.slice(2) as [string, string, string, string];
let histogram = createHistogram();
let running = true;

async function open(): Promise<Session> {
  const detail = 'x'.repeat(80);
  if (kind === 'postgres') {
    const { default: pg } = await import('pg');
    const client = new pg.Client(place);
    await client.connect();
    const texts = {
      insert: `insert into audit_log (at, actor, detail) values (now(), 'writer', '${detail}') returning $1::bigint`,
      // It locks the row, old or new, and leaves it equal.
      update: 'update audit_log set detail = detail where id = $1',
      select: 'select * from audit_log where id = $1',
    };
    return (statement, id) => client.query({ name: statement, text: texts[statement], values: [id] });
  }
  const database = new DatabaseSync(place, { timeout: 60_000 });
  const insert = database.prepare("insert into audit_log (at, actor, detail) values (?, 'writer', ?)");
  const update = database.prepare('update audit_log set detail = detail where id = ?');
  const select = database.prepare('select * from audit_log where id = ?');
  return (statement, id) =>
    statement === 'insert'
      ? insert.run(new Date().toISOString(), detail)
      : (statement === 'update' ? update : select).all(id);
}

async function write(seed: number): Promise<void> {
  const session = await open();
  // Any spread over the table will do; a generator of its own keeps two runs alike.
  let state = seed;
  for (let i = seed; running; i += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const id = 1 + (state % Number(top));
    const startedMs = performance.now();
    await session(ORDER[i % ORDER.length]!, id);
    histogram.record(Math.max(1, Math.round((performance.now() - startedMs) * 1000)));
    await wait(THINK_MS);
  }
}

process.on('message', (word) => {
  const { count, max } = histogram;
  const at = (share: number) => histogram.percentile(share) / 1000;
  const waits = { statements: count, p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), longestMs: max / 1000 };
  histogram = createHistogram();
  if (word === 'end') running = false;
  process.send!(waits);
});

const work = Array.from({ length: Number(sessions) }, (_, i) => write(i + 1));
process.send!('ready');
await Promise.all(work);
process.exit(0);
