/** The door to the PostgreSQL source: dumps and CSV exports out, and back. */
export { describeAddress, type PostgresAddress, parsePostgresAddress } from './address.ts';
export { type CopyRestoreOptions, type CsvArtifact, restoreCopy } from './copy-restore.ts';
export {
  type ContentDifference,
  compareDumpFacts,
  type FingerprintOptions,
  fingerprintDatabase,
  verifyPostgresEquality,
} from './equality.ts';
export { type DumpFacts, parseDumpFacts, type TableFacts } from './facts.ts';
export {
  type PostgresOptions,
  type PostgresSession,
  type PostgresSource,
  postgresSource,
} from './postgres-source.ts';
export type { RestoreOptions } from './restore-context.ts';
export { type PostgresRestoreReport, restorePostgres } from './restore-postgres.ts';
export { type RestoreTableOptions, restoreTable } from './restore-table.ts';
export { type ClientTools, findTools } from './tools.ts';
