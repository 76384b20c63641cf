import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { asHoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { Credential } from '../crypto/key-text.ts';
import { credentialOf, type KmsSettings } from '../kms/credential.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';
import { ledgerHeads } from './anchors.ts';
import { type BackupRequest, backup } from './backup.ts';
import { browse } from './browse.ts';
import type { PlaceEncryption } from './bundle-store.ts';
import { type CompareTreesRequest, compareBackups } from './compare-backups.ts';
import type { OperationContext } from './context.ts';
import type { CopyPlace } from './copy-place.ts';
import { doctor } from './doctor.ts';
import { recoveryChecks } from './doctor-recovery.ts';
import { drillCheck } from './drill/drill-check.ts';
import type { DrillRequest } from './drill/drill-types.ts';
import {
  drillWithEvidence,
  type EvidenceCopy,
  listDrills,
  readDrill,
  storeEvidence,
} from './drill/evidence.ts';
import { exportBundle } from './export-bundle.ts';
import { extendLocks } from './extend-locks.ts';
import { type ExtractFileRequest, extractFile } from './extract-file.ts';
import { importBundle } from './import-bundle.ts';
import { type ImportRequest, importDump } from './import-dump.ts';
import { addKey, listKeys, reencrypt, retireKey, rotateKey, slotsOpenedBy } from './keys.ts';
import { kitCheck } from './kit-state.ts';
import { type BackupDetails, type ListFilter, listBackups, showBackup } from './list.ts';
import { prune, verify } from './maintenance.ts';
import type { OpenedRepository } from './open-repository.ts';
import { restore } from './restore.ts';
import { planRestore, type RestoreRequest } from './restore-plan.ts';
import { restoreTenantOf, type TenantRestoreRequest } from './restore-tenant.ts';
import {
  archive,
  listHolds,
  placeHold,
  type RotateRequest,
  releaseHold,
  rotate,
  undelete,
} from './rotate.ts';
import type { TableToRetain } from './table-retention/open-table.ts';
import {
  type ListArchivesRequest,
  listTableArchives,
  type RestoreArchiveRequest,
  restoreTableArchive,
} from './table-retention/restore-archive.ts';
import { planTableRetention, runTableRetention, type TableRetentionRequest } from './table-retention/run.ts';
import { type TreePageRequest, treePage } from './tree-page.ts';

export interface OpenEngineOptions {
  /** A path or address of a destination. */
  readonly address: string;
  /** Credentials of the destination, where it needs any. */
  readonly storage?: StorageSettings;
  readonly layout: 'repository' | 'bundles';
  /** `none` only with the layout `bundles`: what is written there anyone can read. Default: aes-256-gcm. */
  readonly encryption?: PlaceEncryption;
  /** Texts as people hold them, or references to keys of a service; the first is for new backups. */
  readonly keyTexts: readonly string[];
  /** How to log in to services that hold keys. */
  readonly kms?: KmsSettings;
  /** Made 0600 when missing. */
  readonly signingKeyFile: string;
  /** What this machine remembers of repositories, and where scratch folders are made. */
  readonly stateFolder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Makes the repository when there is none; `always` throws `repository_exists` when there is one. */
  readonly create?: 'if-missing' | 'always';
  /** A repository made anew cuts and names chunks as this one does, since it is to hold copies of it. */
  readonly like?: { readonly copyPlace: CopyPlace };
  /** Whether a chunk that changed little is stored as a difference, which reads its old bytes. Default: where reading is cheap. */
  readonly differences?: boolean;
  /** A backup is skipped when less is free at the destination; 0 for any. Default 500 MB. */
  readonly minimumFreeBytes?: number;
}

export type Engine = ReturnType<typeof repositoryEngine>;

/** All that is done with a repository, deduplicated and encrypted, that was opened with the first of `credentials` that fits. */
export function repositoryEngine(
  options: OpenEngineOptions,
  credentials: readonly Credential[],
  { repository, signingKey }: OpenedRepository,
) {
  const { progress, signal } = options;
  const context: OperationContext = {
    repository,
    progress,
    signal,
    clock: systemClock,
    scratchRoot: join(options.stateFolder, 'scratch'),
    workers: null,
    ...(options.minimumFreeBytes === undefined ? {} : { minimumFreeBytes: options.minimumFreeBytes }),
  };
  const copyPlace: CopyPlace = {
    ...{ layout: 'repository', context, storage: repository.storage, credentials, signingKey },
    ...{ progress, signal, clock: systemClock, stateFolder: options.stateFolder },
  };
  return {
    repositoryId: repository.id,
    address: repository.storage.address,
    /** What copying between destinations works with; of no use outside the engine. */
    copyPlace: copyPlace as CopyPlace,
    /** What an operator should know, such as a rollback. */
    warnings: repository.findings.map(({ message }) => message),
    backup: (request: BackupRequest) => backupAndRenew(context, request),
    list: (filter: ListFilter) => listBackups(context, filter),
    show: (id: string) => showBackup(context, id),
    browse: (id: string, path: string) => browse(context, id, path),
    treePage: (request: TreePageRequest) => treePage(context, request),
    extractFile: (request: ExtractFileRequest) => extractFile(context, request),
    compareBackups: (request: CompareTreesRequest) => compareBackups(context, request),
    async planRestore(request: RestoreRequest) {
      const { manifest, steps } = await planRestore(context, request);
      return { backupId: manifest.id, steps: steps.map(({ selected: _, ...step }) => step) };
    },
    restore: (request: RestoreRequest) => restore(context, request),
    /** The rows of one tenant into a database that others share. */
    restoreTenant: (request: TenantRestoreRequest) => restoreTenantOf(context, request),
    verify: (request: { backupId: string | null; share: number }) => verify(context, request),
    rotate: (request: RotateRequest) => rotate(context, { ...request, stateFolder: options.stateFolder }),
    prune: (request: { dryRun: boolean }) => prune(context, request),
    placeHold: (id: string, reason: string) => placeHold(context, id, reason),
    releaseHold: (id: string) => releaseHold(context, id),
    listHolds: () => listHolds(context),
    archive: (id: string) => archive(context, id),
    undelete: (id: string) => undelete(context, id),
    listKeys: () => listKeys(context),
    /** Ids of the key slots that the keys of this run open. */
    ownSlots: () => slotsOpenedBy(context, credentials),
    addKey: (keyText: string, label: string) => addKey(context, credentialOf(keyText, options.kms), label),
    retireKey: (slotOrKeyId: string) => retireKey(context, slotOrKeyId),
    rotateKey: (keyText: string, label: string) =>
      rotateKey(context, credentialOf(keyText, options.kms), label),
    reencrypt: () => reencrypt(context),
    exportBundle: (request: {
      readonly id: string;
      readonly file: string;
      readonly compression: 'zstd' | 'gzip';
      readonly encryption?: PlaceEncryption;
    }) => exportBundle(context, { ...request, credentials: credentials.slice(0, 1), signingKey }),
    importBundle: (
      file: string,
      accept?: (found: BackupDetails) => Promise<void>,
      { acceptsUnencrypted = false }: { readonly acceptsUnencrypted?: boolean } = {},
    ) => importBundle(context, { file, credentials, acceptsUnencrypted, ...(accept ? { accept } : {}) }),
    importDump: (request: ImportRequest) => importDump(context, request),
    ledgerHeads: () => ledgerHeads(repository),
    planTableRetention: (request: TableToRetain) => planTableRetention(context, request),
    /** Archives old rows of a table here, and deletes them there. */
    runTableRetention: (request: Omit<TableRetentionRequest, 'stateFolder'>) =>
      runTableRetention(context, { ...request, stateFolder: options.stateFolder }),
    listTableArchives: (request: ListArchivesRequest) => listTableArchives(context, request),
    restoreTableArchive: (request: RestoreArchiveRequest) => restoreTableArchive(context, request),
    /** Rehearses a recovery, and keeps signed evidence of it here and beside the backups. */
    drill: (request: DrillRequest) =>
      drillWithEvidence(context, request, { stateFolder: options.stateFolder, signingKey }),
    /** Evidence beside the backups, of valid signers only, newest drill first. */
    listEvidence: () => listDrills(repository),
    readEvidence: (drillId: string) => readDrill(repository, drillId),
    /** Puts evidence of a drill of a copy beside the backups here, too. */
    storeEvidence: (copy: EvidenceCopy) => storeEvidence(repository, copy),
    doctor: async () => [
      ...(await doctor(context)),
      ...(await recoveryChecks(context)),
      await kitCheck(repository, options.stateFolder),
      ...(await drillCheck(context)),
    ],
    close: () => repository.storage.close(),
  };
}

/** The backup is there whatever becomes of older locks, so trouble with those is told and not thrown. */
async function backupAndRenew(context: OperationContext, request: BackupRequest) {
  const outcome = await backup(context, request);
  await extendLocks(context).catch((error: unknown) => {
    if (context.signal.aborted) return;
    context.progress.warn(`locks of older objects were not renewed: ${asHoldfastError(error).message}`);
  });
  return outcome;
}
