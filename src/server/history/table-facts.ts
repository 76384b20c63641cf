/** What the facts of a source say about its tables. */

export interface TableFact {
  readonly name: string;
  /** Null where nobody counted. */
  readonly rows: number | null;
  /** Of the rows; null where nobody computed one. */
  readonly sha256: string | null;
}

interface WithFacts {
  readonly kind: string;
  readonly facts: { readonly [key: string]: unknown };
}

/** The tables in an artifact: a list of `{ name, schema?, rows }`, a map of names to row counts, or the one it is an export of. */
export function tablesOf({ kind, facts }: WithFacts): TableFact[] {
  if (kind === 'pg-csv') return [tableOf(facts)];
  const { tables } = facts;
  if (Array.isArray(tables)) return tables.map(tableOf);
  if (typeof tables !== 'object' || tables === null) return [];
  return Object.entries(tables).map(([name, rows]) => tableOf({ name, rows }));
}

function tableOf({ schema, name, rows, sha256 }: { readonly [key: string]: unknown }): TableFact {
  return {
    name: [schema, name].filter((part) => typeof part === 'string').join('.'),
    rows: typeof rows === 'number' ? rows : null,
    sha256: typeof sha256 === 'string' ? sha256 : null,
  };
}
