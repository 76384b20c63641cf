/** An SQL identifier, quoted whatever it holds. NUL cannot occur in one. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** An SQL string literal that means the same whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  return ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A libpq connection string that names a database, for tools that only take it by argument. No secret goes in. */
export function databaseArgument(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
