/** The step that a tool without knowledge of SQLite needs first: a consistent copy of a database in use. */

/** An online backup by SQLite's own command line. */
export const copyDatabase = (from: string, to: string) => [
  'sqlite3',
  '-bail',
  from,
  `.backup '${to.replaceAll("'", "''")}'`,
];
