/**
 * The COPY statements pg_dump writes, read strictly: what comes out of an archive is only run when it is exactly
 * `COPY schema.table (columns) FROM stdin;`, never another statement, a program or a file.
 */
export interface CopyTarget {
  /** As it stands in the statement, quoted where it needs to be. */
  readonly table: string;
  /** Unquoted. */
  readonly schema: string;
  readonly name: string;
  /** `(a, "b c")`, or empty for a table without columns of its own. */
  readonly columns: string;
}

/** A name as pg_dump writes it, quoted where it needs to be. */
export const NAME = String.raw`(?:"(?:[^"\0]|"")+"|[a-z_][a-z0-9_]*)`;
const STATEMENT = new RegExp(
  String.raw`^COPY (${NAME})\.(${NAME}) (\((?:${NAME}(?:, ${NAME})*)?\))? FROM stdin;\s*$`,
  'u',
);

/** Null for anything else. */
export function parseCopyStatement(statement: string): CopyTarget | null {
  const match = STATEMENT.exec(statement);
  if (!match) return null;
  const [, schema, name, columns = ''] = match;
  const list = columns.trim();
  return {
    table: `${schema}.${name}`,
    schema: unquote(schema!),
    name: unquote(name!),
    columns: list === '()' ? '' : list,
  };
}

export function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
