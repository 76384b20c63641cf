import type { Expectation } from './drill-types.ts';

type Scalar = string | number | boolean | null;
type Rows = readonly (readonly (string | null)[])[];

/** What is wrong with the rows of a query, in words; null when they are as expected. A single value is the first of the only row. */
export function rowsDifference(rows: Rows, expect: Expectation): string | null {
  if (typeof expect === 'object' && expect !== null && expect.rows !== undefined) {
    return tableDifference(rows, expect.rows);
  }
  if (rows.length !== 1 || rows[0]!.length < 1) {
    return `the query gave ${rows.length} rows instead of one value`;
  }
  return valueDifference(rows[0]![0] ?? null, expect);
}

function tableDifference(rows: Rows, wanted: readonly (readonly Scalar[])[]): string | null {
  if (rows.length !== wanted.length) return `${rows.length} rows instead of ${wanted.length}`;
  for (const [i, row] of wanted.entries()) {
    const found = rows[i]!;
    const same =
      found.length === row.length && row.every((value, column) => isSame(found[column] ?? null, value));
    if (!same)
      return `row ${i + 1} is (${found.map(shown).join(', ')}) instead of (${row.map(shown).join(', ')})`;
  }
  return null;
}

/** What is wrong with a value, in words; null when it is as expected. */
export function valueDifference(found: Scalar, expect: Expectation): string | null {
  if (expect === null || typeof expect !== 'object') {
    return isSame(found, expect) ? null : `${shown(found)} instead of ${shown(expect)}`;
  }
  if (expect.equals !== undefined && !isSame(found, expect.equals)) {
    return `${shown(found)} instead of ${shown(expect.equals)}`;
  }
  if (expect.not !== undefined && isSame(found, expect.not)) return `${shown(found)}, which it must not be`;
  const number = numberOf(found);
  const limits: readonly [number | undefined, (value: number, limit: number) => boolean, string][] = [
    [expect.atLeast, (value, limit) => value >= limit, 'at least'],
    [expect.atMost, (value, limit) => value <= limit, 'at most'],
    [expect.above, (value, limit) => value > limit, 'above'],
    [expect.below, (value, limit) => value < limit, 'below'],
  ];
  for (const [limit, holds, words] of limits) {
    if (limit === undefined) continue;
    if (number === null) return `${shown(found)}, which is no number, instead of ${words} ${limit}`;
    if (!holds(number, limit)) return `${shown(found)} instead of ${words} ${limit}`;
  }
  return null;
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function numberOf(value: Scalar): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : null;
}

/** Servers write truth as `t` and `f`, SQLite as 1 and 0. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  t: true,
  true: true,
  '1': true,
  f: false,
  false: false,
  '0': false,
};

function isSame(found: Scalar, wanted: Scalar): boolean {
  if (found === null || wanted === null) return found === wanted;
  if (typeof wanted === 'boolean')
    return typeof found === 'boolean' ? found === wanted : BOOLEANS[String(found)] === wanted;
  if (typeof wanted === 'number') return numberOf(found) === wanted;
  return String(found) === wanted;
}

const LONGEST = 80;

function shown(value: Scalar): string {
  if (value === null) return 'null';
  const text = String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
