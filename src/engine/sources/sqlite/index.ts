/** The door to the SQLite source: a live database in, one file out, and back. */
export { compareSqlite } from './compare-sqlite.ts';
export { type RestoreSqliteOptions, restoreSqlite } from './restore-sqlite.ts';
export { isSqliteFile } from './sqlite-file.ts';
export { type SqliteOptions, sqliteSource } from './sqlite-source.ts';
