/** The steps that a tool without knowledge of SQLite needs first: a consistent copy of a database in use, and its check. */

/** An online backup by SQLite's own command line. */
export const copyDatabase = (from: string, to: string) => [
  'sqlite3',
  '-bail',
  from,
  `.backup '${to.replaceAll("'", "''")}'`,
];

/** Fails for a damaged copy. */
export const checkDatabase = (path: string) => [
  'sqlite3',
  '-bail',
  path,
  "create temp table must_be_ok (said check (said = 'ok')); insert into must_be_ok select * from pragma_integrity_check",
];
