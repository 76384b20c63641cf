/** The engine's only door: backup and restore as a library. It never prints, exits or reads the environment. */
import type { Progress } from './base/progress.ts';
import { parseKeyText } from './crypto/key-text.ts';
import { openBundle as extract } from './operations/import-bundle.ts';

export { type BackupType, isOfType, typeOfKinds } from './base/backup-type.ts';
export { type Clock, DAY_MS, HOUR_MS, MINUTE_MS, systemClock } from './base/clock.ts';
export * from './base/errors.ts';
export { isId, newId } from './base/ids.ts';
export { type Progress, silentProgress } from './base/progress.ts';
export { generateKeyText } from './crypto/key-text.ts';
export {
  fingerprintOf,
  newSigningKey,
  SIGNING_CONTEXTS,
  type SignatureVerifier,
  type SigningKey,
  sign,
  signatureVerifier,
  signingKeyFromPem,
  toPem,
} from './crypto/signing.ts';
export { asMarkup, type DrillReport, type VerifiedEvidence, verifyEvidence } from './evidence/index.ts';
export { isWeakPassphrase, keyIdOf } from './key-facts.ts';
export type { KmsSettings } from './kms/credential.ts';
export { type AnchorPlace, readAnchors, type StoredAnchor, writeAnchor } from './operations/anchors.ts';
export type { BackupOutcome, BackupProfile, BackupRequest } from './operations/backup.ts';
export { type Comparable, refuseConflict } from './operations/backup-conflict.ts';
export type { TreeItem } from './operations/browse.ts';
export type { CopyPlace } from './operations/copy-place.ts';
export { describeTarget, type TargetDescription } from './operations/describe-target.ts';
export type { DestinationSpec, RunPort } from './operations/destinations.ts';
export { type BackupWithCopies, backupToAll, type CopyStatus } from './operations/destinations-backup.ts';
export { type DoneAt, eachDestination } from './operations/destinations-each.ts';
export { type NearCopy, withNearestCopy } from './operations/destinations-nearest.ts';
export {
  type ReplicatedTo,
  type ReplicateOutcome,
  type ReplicateRequest,
  replicateBetween,
} from './operations/destinations-replicate.ts';
export {
  type CopySet,
  type VerifiedCopy,
  type VerifyAllRequest,
  verifyAll,
} from './operations/destinations-verify.ts';
export type { DoctorCheck } from './operations/doctor.ts';
export { type DrillAmongRequest, drillAmong, storeAtCopies } from './operations/drill/drill-among.ts';
export type { DrillRequest, DrillSettings, KeptState } from './operations/drill/drill-types.ts';
export type { DrillOutcome, EvidenceCopy } from './operations/drill/evidence.ts';
export { type FailedDrill, failedDrill } from './operations/drill/failed-drill.ts';
export { type DumpedTables, type DumpTablesRequest, dumpTables } from './operations/dump-tables.ts';
export { type Engine, type OpenEngineOptions, openEngine } from './operations/engine.ts';
export { type KitRequest, writeKit } from './operations/kit.ts';
export { newestKit, readKitRecord } from './operations/kit-state.ts';
export type { BackupDetails, ListedBackup } from './operations/list.ts';
export type { PruneOutcome } from './operations/maintenance.ts';
export { measureDestination } from './operations/measure-destination.ts';
export type { ProvenEvidence } from './operations/proven-backups.ts';
export type { CopyFailure } from './operations/replicate.ts';
export type { ReplicatedBackup } from './operations/replicate-among.ts';
export type { RestoreOutcome } from './operations/restore.ts';
export type { RestoreRequest } from './operations/restore-plan.ts';
export type { TenantRestoreOutcome } from './operations/restore-tenant.ts';
export { type ResolvedRetention, resolveRetention } from './operations/retention-rules.ts';
export type { RetentionInput, RotateOutcome } from './operations/rotate.ts';
export { type HookedRun, type RunEnd, type RunHooks, runWithHooks } from './operations/run-hooks.ts';
export type { SourceSpec } from './operations/source-spec.ts';
export { safetySources } from './operations/switches/safety-sources.ts';
export {
  dropKept,
  type ListedSwitch,
  listSwitches,
  type SwitchRequest,
  switchBack,
} from './operations/switches/switch-back.ts';
export type { SafeRestore } from './operations/switches/switch-port.ts';
export { archivePlan, type TableToRetain } from './operations/table-retention/open-table.ts';
export type { ListedArchive, RestoredArchive } from './operations/table-retention/restore-archive.ts';
export type { TableRetentionOutcome, TableRetentionPlan } from './operations/table-retention/run.ts';
export { testDestination } from './operations/test-destination.ts';
export { SAFETY_PLAN } from './repository/manifest.ts';
export type { Extract, Extras } from './sources/extract.ts';
export { discoverPostgres, parsePostgresAddress } from './sources/postgres/index.ts';
export type { TenantPlan } from './sources/postgres/restore-tenant.ts';
export type { TenantChoice } from './sources/postgres/tenant-rules.ts';
export { discoverSqlite, type FoundSqlite } from './sources/sqlite/index.ts';
export type { StorageSettings } from './storage/storage-settings.ts';

/** Unpacks a bundle without a repository. Throws what `readBundle` throws, `target_not_empty`, `target_failed`. */
export async function openBundle(request: {
  readonly file: string;
  readonly folder: string;
  readonly keyTexts: readonly string[];
  /** Whether one that is not encrypted is opened; anybody can make one. Default: false, which throws `bundle_not_encrypted`. */
  readonly acceptsUnencrypted?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}) {
  return extract({ ...request, credentials: request.keyTexts.map(parseKeyText) });
}
