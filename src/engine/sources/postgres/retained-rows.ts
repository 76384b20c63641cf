import { createReadStream } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client, QueryResult } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { batchSize } from '../retained-batches.ts';
import type { Insertion, Removal, RetentionPace } from '../retained-table.ts';
import { copyIn } from './copy-in.ts';
import { csvRecords } from './csv-records.ts';
import type { PgTableShape } from './retained-shape.ts';

export interface RetainedSession {
  readonly client: Client;
  readonly shape: PgTableShape;
  readonly pace: RetentionPace;
  readonly signal: AbortSignal;
}

/** Lock not available, query canceled, deadlock, serialization failure: somebody else was there first. */
const BUSY = new Set(['55P03', '57014', '40P01', '40001']);
const STAGE = 'pg_temp.holdfast_archived';
/** Numbers the staged rows from 1. */
const NUMBER = 'holdfast_number';
/** So much of an archive is staged at a time. */
const STAGED_ROWS = 20_000;
const STAGED_BYTES = 16 * 1024 * 1024;

const rowText = ({ columns }: PgTableShape, alias: string) =>
  `row(${columns.map((name) => `${alias}.${name}`).join(', ')})::text`;

const sameRow = (shape: PgTableShape) => `${rowText(shape, 't')} = ${rowText(shape, 'a')}`;

const sameKey = ({ key }: PgTableShape) => key.map((name) => `t.${name} = a.${name}`).join(' and ');

/** See `RetainedTable.removeArchived`. */
export async function removeRows(
  session: RetainedSession,
  file: string,
  onRows: (rows: number) => void,
): Promise<Removal> {
  const { client, shape, pace } = session;
  let [deleted, changed] = [0, 0];
  await eachBatch(session, file, async (staged, rows, held) => {
    const untilMs = performance.now() + pace.busyTimeoutMs;
    for (let open = rows; ; ) {
      const gone = await held(removal(shape, staged));
      deleted += gone;
      open -= gone;
      onRows(gone);
      if (open === 0) return;
      const [left] = (
        await client.query(`select count(*) as rows, count(*) filter (where ${sameRow(shape)}) as same
          from ${STAGE} a join ${shape.table} t on ${sameKey(shape)} where ${staged}`)
      ).rows;
      if (left.same === '0') {
        changed += Number(left.rows);
        return;
      }
      // Somebody holds them. Nothing of ours is locked while they are waited for.
      if (performance.now() >= untilMs) {
        throw new HoldfastError('source_busy', `${left.same} rows of ${shape.label} stay locked`);
      }
      await wait(Math.max(pace.pauseMs, pace.lockTimeoutMs), undefined, session).catch(() => {});
    }
  });
  return { deleted, changed };
}

/**
 * Rows that somebody else has locked are left out: a batch that waited would keep others from all of its rows for as long. What is
 * locked and equal can no longer change, so that the key alone finds it. A login that may not lock compares and waits.
 */
function removal(shape: PgTableShape, staged: string): string {
  const { table, canLock } = shape;
  if (!canLock) {
    return `delete from ${table} t using ${STAGE} a where ${staged} and ${sameKey(shape)} and ${sameRow(shape)}`;
  }
  return `with going as materialized (select a.${NUMBER} from ${STAGE} a join ${table} t on ${sameKey(shape)}
      where ${staged} and ${sameRow(shape)} for update of t skip locked)
    delete from ${table} t using going join ${STAGE} a using (${NUMBER}) where ${sameKey(shape)}`;
}

/** See `RetainedTable.insertArchived`. */
export async function insertRows(
  session: RetainedSession,
  file: string,
  onRows: (rows: number) => void,
): Promise<Insertion> {
  const { client, shape } = session;
  const names = shape.columns.join(', ');
  let [inserted, present, different] = [0, 0, 0];
  await eachBatch(session, file, async (staged, rows, held) => {
    const [equal] = (
      await client.query(`select count(*) as n from ${STAGE} a join ${shape.table} t on ${sameKey(shape)}
        where ${staged} and ${sameRow(shape)}`)
    ).rows;
    const count = await held(`insert into ${shape.table} (${names}) overriding system value
      select ${names} from ${STAGE} a where ${staged} order by a.${NUMBER} on conflict do nothing`);
    inserted += count;
    present += Number(equal.n);
    different += rows - count - Number(equal.n);
    onRows(count);
  });
  return { inserted, present, different };
}

/** Does one statement in a transaction of its own, and gives how many rows it was. */
type Held = (statement: string) => Promise<number>;

/**
 * Rows of the archive are staged where only this session sees them, so that what the table sees is one short statement for each
 * batch. `work` gets the condition for the staged rows `a` of its batch.
 */
async function eachBatch(
  session: RetainedSession,
  file: string,
  work: (staged: string, rows: number, held: Held) => Promise<void>,
): Promise<void> {
  const { client, shape, pace, signal } = session;
  const size = batchSize(pace.batchRows);
  await client.query(
    `drop table if exists ${STAGE}; create temp table holdfast_archived as select ${shape.columns.join(', ')} from ${shape.table} with no data;
     alter table ${STAGE} add ${NUMBER} int generated always as identity primary key`,
  );
  // A batch is found by the key; without figures about the stage the planner might read the whole table instead.
  // Triggers of the application look names up as they are used to.
  await client.query('set enable_hashjoin = off; set enable_mergejoin = off; reset search_path');
  const held: Held = async (statement) => {
    const { rows, heldMs } = await briefly(session, statement);
    size.took(heldMs);
    return rows;
  };
  for await (const { bytes, rows } of csvRecords(createReadStream(file), STAGED_ROWS, STAGED_BYTES)) {
    await stage(session, bytes);
    for (let done = 0; done < rows; ) {
      if (signal.aborted) throw new HoldfastError('interrupted');
      const next = Math.min(rows, done + size.rows());
      const startedMs = performance.now();
      await work(`a.${NUMBER} > ${done} and a.${NUMBER} <= ${next}`, next - done, held);
      done = next;
      const tookMs = performance.now() - startedMs;
      await wait(Math.max(pace.pauseMs, tookMs / 2), undefined, { signal }).catch(() => {});
    }
  }
  await client.query(`drop table ${STAGE}; reset enable_hashjoin; reset enable_mergejoin`);
}

async function stage({ client, shape }: RetainedSession, bytes: Buffer): Promise<void> {
  await client.query(`truncate ${STAGE} restart identity`);
  await copyIn(
    client,
    `copy ${STAGE} (${shape.columns.join(', ')}) from stdin (format csv)`,
    async (sink) => {
      sink.append(bytes);
      await sink.room();
    },
  );
  await client.query(`analyze ${STAGE} (${NUMBER})`);
}

/** One statement in a transaction of its own that gives way to others, and is tried again. */
async function briefly(
  { client, pace, signal }: RetainedSession,
  statement: string,
): Promise<{ readonly rows: number; readonly heldMs: number }> {
  const untilMs = performance.now() + pace.busyTimeoutMs;
  // Not waiting for the disk is safe: after a crash of the server rows that were deleted last are there again, and in an archive.
  const text = `begin; set local synchronous_commit = off; set local lock_timeout = ${Math.floor(pace.lockTimeoutMs)};
    set local statement_timeout = ${Math.floor(pace.statementTimeoutMs)}; ${statement}; commit`;
  for (;;) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    const startedMs = performance.now();
    try {
      const results = (await client.query(text)) as unknown as QueryResult[];
      const rows = results.at(-2)!.rowCount ?? 0;
      return { rows, heldMs: performance.now() - startedMs };
    } catch (error) {
      await client.query('rollback');
      if (!BUSY.has((error as { code?: string }).code ?? '') || performance.now() >= untilMs) throw error;
    }
    await wait(Math.max(pace.pauseMs, pace.lockTimeoutMs), undefined, { signal }).catch(() => {});
  }
}
