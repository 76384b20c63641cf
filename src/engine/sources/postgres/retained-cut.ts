import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { AGE_DAY_MS, type RetentionRule } from '../retained-table.ts';
import { quoteName, quoteText } from './quote.ts';
import type { PgTableShape } from './retained-shape.ts';

export interface PgCut {
  /** An SQL condition on the columns; null when no row can go. */
  readonly condition: string | null;
  readonly words: readonly string[];
}

const TIMES = new Set(['timestamp with time zone', 'timestamp without time zone', 'date']);
const NUMBERS = new Set(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision']);
/** A server whose clock is far from ours would lose rows of the wrong age. */
const MAX_SKEW_MS = 5 * 60_000;

/** What goes by the rule, now. Throws `config_invalid` for a column of another type, `clock_skew`. */
export async function pgCut(
  client: Client,
  shape: PgTableShape,
  rule: RetentionRule,
  nowMs: number,
): Promise<PgCut> {
  if (rule.maxAgeDays === null && rule.maxRows === null) return { condition: null, words: [] };
  requireType(shape, rule);
  const column = quoteName(rule.column);
  const conditions: string[] = [];
  const words: string[] = [];
  if (rule.maxAgeDays !== null) {
    await requireClock(client, nowMs);
    const beforeMs = nowMs - rule.maxAgeDays * AGE_DAY_MS;
    conditions.push(`${column} < ${limitText(rule, shape.orderType, beforeMs)}`);
    words.push(`${rule.column} before ${new Date(beforeMs).toISOString()}`);
  }
  if (rule.maxRows !== null) {
    const { rows } = await client.query(
      `select ${column}::text as bound from ${shape.table} where ${column} is not null
       order by ${column} desc offset ${rule.maxRows - 1} limit 1`,
    );
    if (rows[0]) {
      conditions.push(`${column} < ${quoteText(rows[0].bound)}::${shape.orderType}`);
      words.push(`all but the newest ${rule.maxRows} rows by ${rule.column}`);
    }
  }
  const condition = conditions.length === 0 ? null : conditions.map((one) => `(${one})`).join(' or ');
  return { condition, words };
}

function requireType({ label, orderType }: PgTableShape, { column, unit }: RetentionRule): void {
  const fits = unit === 'time' ? TIMES : NUMBERS;
  if (fits.has(orderType)) return;
  const wanted = unit === 'time' ? 'a time or date' : 'a number';
  throw new HoldfastError('config_invalid', `${label}.${column} is ${orderType}, not ${wanted}`, {
    next: 'name another column, or say its unit: seconds, milliseconds or value',
  });
}

function limitText({ unit }: RetentionRule, type: string, beforeMs: number): string {
  if (unit === 'seconds') return String(beforeMs / 1000);
  if (unit === 'milliseconds') return String(beforeMs);
  // Times without a zone are taken for UTC, as the session's zone is.
  return `${quoteText(new Date(beforeMs).toISOString())}::${type}`;
}

async function requireClock(client: Client, nowMs: number): Promise<void> {
  const { rows } = await client.query('select extract(epoch from clock_timestamp()) * 1000 as ms');
  const skewMs = Math.abs(Number(rows[0].ms) - nowMs);
  if (skewMs <= MAX_SKEW_MS) return;
  throw new HoldfastError(
    'clock_skew',
    `the clock of the database server differs by ${Math.round(skewMs / 60_000)} minutes`,
  );
}
