import type { Client } from 'pg';
import type { PgTableShape } from './retained-shape.ts';

/** Goes once over a table, piece by piece. */
export interface Walk {
  /** An SQL condition for the next up to `limit` rows that go; null when none is left. */
  next(limit: number): Promise<string | null>;
  /** Does what reads a piece, in the order of the walk. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

const FIRST_PAGE = '(0,0)';
/** Ranges of pages exist from here on. */
const LEAST_VERSION = 140_000;

/**
 * Rows are found by walking the pages of the table from where the last piece ended: looking for them from the beginning again would
 * read everything that was deleted before. Where an index leads to them, or the table is partitioned, they are simply looked for.
 */
export async function openWalk(client: Client, shape: PgTableShape, condition: string | null): Promise<Walk> {
  if (condition === null) return { next: async () => null, during: (work) => work() };
  const { rows } = await client.query('show server_version_num');
  const isPaged = shape.isPlain && Number(rows[0].server_version_num) >= LEAST_VERSION;
  if (isPaged && (await isRead(client, shape, condition))) return pagedWalk(client, shape, condition);
  return {
    async next(limit) {
      const found = await client.query(
        `select exists (select from ${shape.table} where ${condition}) as found`,
      );
      return found.rows[0].found ? `${condition} limit ${limit}` : null;
    },
    during: (work) => work(),
  };
}

/** True when the server would read the table to find the rows. */
async function isRead(client: Client, { table }: PgTableShape, condition: string): Promise<boolean> {
  const { rows } = await client.query(`explain select from ${table} where ${condition}`);
  return rows.some((row) => /Seq Scan/.test(row['QUERY PLAN']));
}

function pagedWalk(client: Client, { table }: PgTableShape, condition: string): Walk {
  let from = FIRST_PAGE;
  // Without these the server may begin in the middle, or follow an index in an order of its own.
  const inOrder = ['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'synchronize_seqscans'];
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    await client.query(
      `${inOrder.map((name) => `set ${name} = off`).join(';')}; set max_parallel_workers_per_gather = 0`,
    );
    const done = await work();
    await client.query(
      `${inOrder.map((name) => `reset ${name}`).join(';')}; reset max_parallel_workers_per_gather`,
    );
    return done;
  };
  const end = async (limit: number): Promise<string | null> => {
    const { rows } = await during(() =>
      client.query(
        `select max(at)::text as last from
         (select ctid as at from ${table} where ctid > '${from}' and (${condition}) limit ${limit}) found`,
      ),
    );
    return rows[0].last;
  };
  return {
    during,
    async next(limit) {
      let last = await end(limit);
      if (last === null && from !== FIRST_PAGE) {
        // Rows that somebody changed meanwhile may lie where the walk has been.
        from = FIRST_PAGE;
        last = await end(limit);
      }
      if (last === null) return null;
      const piece = `ctid > '${from}' and ctid <= '${last}' and (${condition})`;
      from = last;
      return piece;
    },
  };
}
