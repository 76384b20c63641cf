/** What goes wrong with a backup, and the one reason for which a drill of it must be red: reliability test 33. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import type { DrillSettings, KeptState } from '../../src/engine/operations/drill/drill-types.ts';
import { parsePostgresAddress } from '../../src/engine/sources/postgres/index.ts';
import { count } from './counts.ts';
import type { DrillWorld } from './drill-world.ts';
import { seededRandom } from './seed.ts';

export interface Sabotage {
  readonly name: string;
  /** After restoring, before anything is compared. */
  readonly spoil?: (state: KeptState) => void | Promise<void>;
  readonly settings?: Partial<DrillSettings>;
  /** Names of all checks that are red; or the code of what kept it from running. */
  readonly red: readonly string[] | { readonly failure: string };
  /** Somewhere in what the first of them says. */
  readonly says: RegExp;
}

/** Some of them, others each time, all with full counts: each costs a drill. */
export function someOf(all: readonly Sabotage[], perCommit: number): readonly Sabotage[] {
  const random = seededRandom('sabotages');
  const order = all.map((one) => ({ one, place: random.next() })).sort((a, b) => a.place - b.place);
  return order.slice(0, count(perCommit, all.length)).map(({ one }) => one);
}

type Outcome = Awaited<ReturnType<DrillWorld['drill']>>;

/** Red for this reason, and for no other: a drill that is merely nervous would fail here, too. */
export function assertRed({ report }: Outcome, { red, says }: Pick<Sabotage, 'red' | 'says'>): void {
  const shown = JSON.stringify({ failure: report.failure, checks: report.checks }, null, 1);
  assert.equal(report.result, 'red', shown);
  if ('failure' in red) {
    assert.equal(report.failure?.code, red.failure, shown);
    assert.match(report.failure!.message, says);
    assert.ok(report.failure!.next.length > 8);
    return;
  }
  assert.equal(report.failure, null, shown);
  const found = report.checks.filter(({ status }) => status === 'red');
  assert.deepEqual(found.map(({ name }) => name).sort(), [...red].sort(), shown);
  assert.match(found.find(({ name }) => name === red[0])!.detail, says);
}

export function assertGreen({ report }: Outcome): void {
  assert.equal(
    report.result,
    'green',
    JSON.stringify({ failure: report.failure, checks: report.checks }, null, 1),
  );
}

export async function onDatabase(url: string, sql: string): Promise<void> {
  const { host, port, user, password, database } = parsePostgresAddress(url);
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** At an offset, from the end when negative. */
export function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  assert.ok(place >= 0 && place < bytes.length, `${path} has ${bytes.length} bytes`);
  bytes[place]! ^= 1;
  writeFileSync(path, bytes);
}
