/** The door to the PostgreSQL source: dumps and CSV exports out, and back. */

export { describeAddress, type PostgresAddress, parsePostgresAddress, withDatabase } from './address.ts';
export { type ArchiveFile, archiveArtifact, readArchiveFile } from './archive-file.ts';
export type { ArchiveToc } from './archive-toc.ts';
export {
  type ComparisonDump,
  compareSchemas,
  dumpForComparison,
  factsOfArchive,
  type SchemaOptions,
  schemaDigest,
  tocOfDump,
} from './comparison-dump.ts';
export { connect as connectDatabase, endQuietly } from './connect.ts';
export { type CopyRestoreOptions, type CsvArtifact, restoreCopy } from './copy-restore.ts';
export { discoverPostgres } from './discover.ts';
export { emptyDatabase } from './empty-database.ts';
export {
  type ContentDifference,
  compareDumpFacts,
  type FingerprintOptions,
  fingerprintDatabase,
  verifyPostgresEquality,
} from './equality.ts';
export { type DumpFacts, parseDumpFacts, type TableFacts } from './facts.ts';
export { hashTableAsCsv } from './hash-table.ts';
export {
  createLike,
  describeLive,
  dropIfSame,
  findDatabases,
  isFilled,
  type LiveDatabase,
  type NamedDatabase,
} from './live-database.ts';
export {
  type PostgresOptions,
  type PostgresSession,
  type PostgresSource,
  postgresSource,
} from './postgres-source.ts';
export { queryReadOnly } from './query-readonly.ts';
export { quoteName, quoteText } from './quote.ts';
export type { RestoreOptions } from './restore-context.ts';
export { type PostgresRestoreReport, restorePostgres } from './restore-postgres.ts';
export { restoreSql, type SqlRestoreReport, sqlArtifact } from './restore-sql.ts';
export { type RestoreTableOptions, restoreTable } from './restore-table.ts';
export {
  restoreTenant,
  TENANT_STEPS,
  type TenantPlan,
  type TenantRestoreOptions,
  type TenantRestoreReport,
} from './restore-tenant.ts';
export { openRetainedPostgres } from './retained-table.ts';
export {
  claimScratchDatabase,
  removeScratchLeftovers,
  type ScratchClaim,
  urlOf,
} from './scratch-database.ts';
export { requireServer, type ServerBinaries } from './server-binaries.ts';
export { serverFacts } from './snapshot.ts';
export { type Connected, switchDatabases } from './switch-database.ts';
export { onMaintenanceDatabase } from './target.ts';
export { readTenantExport } from './tenant-export.ts';
export type { TenantChoice, TenantOptions, TenantRule } from './tenant-rules.ts';
export { openTenantSession } from './tenant-session.ts';
export { startThrowawayCluster, type ThrowawayCluster } from './throwaway-cluster.ts';
export { type ClientTools, findTools } from './tools.ts';
