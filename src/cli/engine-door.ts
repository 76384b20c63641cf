/**
 * The engine as the command line uses it. Loaded on first use only, so that `--help` does not wait for it.
 * The types here are what the commands rely on.
 */
import type {
  BundleOpenPayload,
  PrunePayload,
  SwitchesPayload,
  VerifyPayload,
} from '../contracts/cli-payloads.ts';
import type { KitPayload } from '../contracts/kit-payload.ts';
import type {
  AnchorPlace,
  CopyPlace,
  DrillOutcome,
  DrillRequest,
  EvidenceCopy,
  FailedDrill,
  KitRequest,
  KmsSettings,
  ProvenEvidence,
  StorageSettings,
  StoredAnchor,
  TenantChoice,
  VerifiedEvidence,
} from '../engine/index.ts';
import type { SourceSpec } from './recognise-source.ts';

export type { DrillOutcome, DrillReport, DrillRequest, KeptState, ProvenEvidence } from '../engine/index.ts';

export type BackupType = 'db' | 'storage' | 'full';

export interface Problem {
  readonly artifact: string;
  readonly path: string;
  readonly cause: string;
  readonly message: string;
}

export interface BackupRequest {
  /** Given by whoever keeps a ledger: see the engine. */
  readonly ledgerHead?: () => Promise<string | null>;
  readonly sources: readonly SourceSpec[];
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: BackupType;
}

export interface BackupOutcome {
  readonly backupId: string;
  readonly status: 'succeeded' | 'incomplete';
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly durationMs: number;
  readonly artifacts: readonly { name: string; kind: string; sizeBytes: number; sha256: string }[];
  readonly problems: readonly Problem[];
  readonly profile?: BackupProfile;
}

/** Where the time of a backup went: milliseconds by stage. */
export interface BackupProfile {
  readonly durationMs: number;
  readonly workers: number;
  readonly stages: Readonly<
    Record<
      'cut' | 'find' | 'wait' | 'identify' | 'digest' | 'difference' | 'compress' | 'encrypt' | 'store',
      number
    >
  >;
}

/** Of one destination or one backup; a null backup is the destination as a whole. */
export interface CopyFailure {
  readonly backupId: string | null;
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

export interface CopyStatus {
  readonly destination: string;
  readonly address: string;
  readonly status: 'stored' | 'copied' | 'missing';
  /** Backups that came by copying. */
  readonly copied: number;
  readonly storedBytes: number;
  /** Backups that it lacks and should have. */
  readonly missing: number;
  readonly failures: readonly CopyFailure[];
}

export interface BackupWithCopies extends Omit<BackupOutcome, 'status'> {
  readonly status: BackupOutcome['status'] | 'copy-missing';
  readonly destination: string;
  readonly copies: readonly CopyStatus[];
}

/** One of several destinations, not opened yet. */
export interface DestinationSpec {
  readonly name: string;
  /** For people. */
  readonly address: string;
  readonly region: string | null;
  readonly options: () => Promise<Omit<OpenEngineOptions, 'progress' | 'signal'>>;
  readonly rulesOf: (plan: string | null) => RetentionInput;
  readonly regionsOf: (plan: string | null) => readonly string[] | null;
}

export interface ReplicateRequest {
  /** What to copy from, nearest first. */
  readonly from: readonly DestinationSpec[];
  readonly to: readonly DestinationSpec[];
  /** Absent for every plan. */
  readonly plan?: string | null;
  readonly dryRun: boolean;
  /** Reads every byte at the source again and compares every SHA-256. */
  readonly readsAll: boolean;
}

export interface ReplicatedBackup {
  readonly id: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: BackupType;
  readonly timestampMs: number;
  readonly sizeBytes: number;
}

export interface ReplicatedTo {
  readonly name: string;
  readonly address: string;
  readonly copied: readonly ReplicatedBackup[];
  readonly storedBytes: number;
  readonly missing: readonly ReplicatedBackup[];
  readonly leftOut: readonly (ReplicatedBackup & { readonly reason: string; readonly text: string })[];
  readonly failures: readonly CopyFailure[];
  /** False when it could not be looked at. */
  readonly isKnown: boolean;
}

export interface ReplicateOutcome {
  readonly destinations: readonly ReplicatedTo[];
  readonly down: readonly { readonly destination: string; readonly failure: CopyFailure }[];
}

export interface CopySet {
  /** Absent for every plan. */
  readonly plan?: string | null;
  readonly specs: readonly DestinationSpec[];
}

export interface VerifyAllRequest {
  readonly sets: readonly CopySet[];
  readonly backupId: string | null;
  readonly share: number;
  readonly heal: boolean;
}

export interface VerifiedCopy {
  readonly destination: string;
  readonly address: string;
  readonly status: 'good' | 'damaged' | 'missing' | 'down';
  /** Null for a destination that is down or lacks the backup asked for. */
  readonly report: VerifyOutcome | null;
  readonly missing: readonly ReplicatedBackup[];
  /** Null when nothing was to be healed. */
  readonly healed: {
    readonly healed: readonly string[];
    readonly storedBytes: number;
    readonly copied: number;
    readonly failures: readonly CopyFailure[];
  } | null;
  readonly failures: readonly CopyFailure[];
}

export type DoneAt<T> = { readonly destination: string; readonly address: string } & (
  | { readonly result: T; readonly failure: null }
  | { readonly result: null; readonly failure: CopyFailure }
);

export interface NearCopy {
  readonly destination: string;
  readonly engine: Engine;
  readonly backupId: string;
  /** Why nearer copies did not do. */
  readonly passed: readonly string[];
}

export interface RunPort {
  readonly progress: ProgressPort;
  readonly signal: AbortSignal;
}

export interface ListedBackup {
  readonly id: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: BackupType;
  readonly timestampMs: number;
  readonly sizeBytes: number;
  readonly status: string;
  readonly held: boolean;
}

export interface BackupDetails extends ListedBackup {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly host: string;
  readonly program: string;
  readonly artifacts: readonly ArtifactDetails[];
  readonly problems: readonly Problem[];
}

export interface ArtifactDetails {
  readonly name: string;
  readonly source: string;
  readonly kind: string;
  readonly form: 'stream' | 'tree';
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly facts: { readonly [key: string]: unknown };
}

export interface TreeItem {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly linkTarget: string | null;
}

export interface RestoreRequest {
  readonly backupId: string;
  /** An artifact, a path below one, or a source: all its artifacts together. Null for everything. */
  readonly item: string | null;
  /** An absolute path or a `postgres://` address. */
  readonly target: string;
  /** Allows what is there to be replaced. */
  readonly replace: boolean;
  /** What is replaced is kept beside, with a way back. */
  readonly safe?: SafeRestore;
}

/** How what is there gives way to a restore. */
export interface SafeRestore {
  readonly stateFolder: string;
  readonly safetyBackupId?: string | null;
  readonly graceMs?: number;
  readonly inPlace?: boolean;
  readonly onConnected?: (
    target: string,
    who: readonly { user: string; application: string; client: string; count: number }[],
  ) => void;
}

/** One exchange that a restore made on this host. */
export type ListedSwitch = SwitchesPayload[number];

export interface SwitchRequest {
  readonly safe: SafeRestore;
  readonly target: string | null;
  /** Addresses with passwords, to choose the database's from when the target has none. */
  readonly logins?: readonly string[];
  readonly progress: ProgressPort;
  readonly signal: AbortSignal;
}

/** What a restore would do, nothing done yet. */
export interface RestorePlan {
  readonly backupId: string;
  readonly steps: readonly {
    readonly item: string;
    readonly kind: string;
    readonly target: string;
    readonly sizeBytes: number;
    /** True when something is there already. */
    readonly replaces: boolean;
  }[];
}

export interface RestoreOutcome {
  readonly backupId: string;
  readonly durationMs: number;
  readonly restored: readonly { item: string; target: string; sizeBytes: number }[];
  readonly warnings: readonly string[];
  /** What gave way and where it is now. Absent where nothing was to be kept. */
  readonly kept?: readonly { target: string; keptAt: string }[];
}

export type VerifyOutcome = Omit<VerifyPayload, 'durationMs' | 'copies'>;

export interface RotateOutcome {
  readonly removed: number;
  readonly decisions: readonly {
    readonly backup: {
      readonly id: string;
      readonly plan: string | null;
      readonly tenantId: string | null;
      readonly type: BackupType;
      readonly timestampMs: number;
    };
    readonly action: 'keep' | 'remove';
    readonly reasons: readonly { code: string; text: string }[];
  }[];
}

export interface RetentionInput {
  readonly preset?: string | undefined;
  readonly days?: number | null | undefined;
  readonly versions?: number | null | undefined;
  readonly keepLast?: number | null | undefined;
  readonly hourly?: number | null | undefined;
  readonly daily?: number | null | undefined;
  readonly weekly?: number | null | undefined;
  readonly monthly?: number | null | undefined;
  readonly yearly?: number | null | undefined;
}

export interface RotateRequest {
  readonly dryRun: boolean;
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** The rules of one plan; null is a backup without a plan. */
  readonly rulesOf: (plan: string | null) => RetentionInput;
}

export interface HoldItem {
  readonly backupId: string;
  /** Null for a damaged hold, which still holds. */
  readonly reason: string | null;
  readonly createdAt: string | null;
}

export type PruneOutcome = Omit<PrunePayload, 'dryRun' | 'destinations' | 'failures'>;

export type OpenedBundle = Omit<BundleOpenPayload, 'folder'>;

export interface SlotItem {
  readonly slotId: string;
  readonly keyId: string;
  readonly label: string;
  readonly kind: 'raw' | 'passphrase' | 'kms';
  readonly epoch: number;
  readonly createdAt: string;
  readonly current: boolean;
}

export interface ImportDumpRequest {
  /** An absolute path. */
  readonly file: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** ISO 8601; null for what name and file say. */
  readonly time: string | null;
  readonly name: string | null;
  readonly trusted: boolean;
}

export interface ImportedDump extends Omit<BackupOutcome, 'status'> {
  readonly status: 'imported' | 'known';
  readonly plan: string;
  readonly timestampMs: number;
  readonly timeFrom: 'given' | 'name' | 'file';
}

export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly next: string | null;
}

export interface Engine {
  /** What copying between destinations works with; of no use here. */
  readonly copyPlace: CopyPlace;
  readonly repositoryId: string;
  readonly address: string;
  /** What an operator should know after opening, such as a rollback. */
  readonly warnings: readonly string[];
  backup(request: BackupRequest): Promise<BackupOutcome>;
  list(filter: { plan: string | null; tenantId: string | null; archived: boolean }): Promise<ListedBackup[]>;
  show(id: string): Promise<BackupDetails>;
  browse(id: string, path: string): Promise<{ id: string; path: string; entries: readonly TreeItem[] }>;
  planRestore(request: RestoreRequest): Promise<RestorePlan>;
  restore(request: RestoreRequest): Promise<RestoreOutcome>;
  /** Throws `restore_mismatch` for conflicts, `target_busy`, `item_unknown`, `config_invalid`, and database errors. */
  restoreTenant(request: TenantRestoreRequest): Promise<TenantRestoreOutcome>;
  verify(request: { backupId: string | null; share: number }): Promise<VerifyOutcome>;
  rotate(request: RotateRequest): Promise<RotateOutcome>;
  prune(request: { dryRun: boolean }): Promise<PruneOutcome>;
  placeHold(id: string, reason: string): Promise<{ backupId: string }>;
  releaseHold(id: string): Promise<{ backupId: string }>;
  listHolds(): Promise<HoldItem[]>;
  undelete(id: string): Promise<{ backupId: string }>;
  listKeys(): Promise<SlotItem[]>;
  addKey(keyText: string, label: string): Promise<{ slotId: string }>;
  retireKey(slotOrKeyId: string): Promise<{ slotId: string }>;
  rotateKey(keyText: string, label: string): Promise<{ epoch: number }>;
  reencrypt(): Promise<{ rewrittenObjects: number; rewrittenBytes: number }>;
  exportBundle(request: {
    id: string;
    file: string;
    compression: 'zstd' | 'gzip';
  }): Promise<{ backupId: string; sizeBytes: number }>;
  importBundle(file: string): Promise<{ backupId: string; sizeBytes: number }>;
  /** Takes a dump of another program in as a backup. Idempotent. */
  importDump(request: ImportDumpRequest): Promise<ImportedDump>;
  /** What the manifests say of ledgers. */
  ledgerHeads(): Promise<readonly { readonly backupId: string; readonly ledgerHead: string }[]>;
  /** Rehearses a recovery; what could not run is a red report. Throws `interrupted` only. */
  drill(request: DrillRequest): Promise<DrillOutcome>;
  /** Evidence of valid signers beside the backups, newest drill first. */
  listEvidence(): Promise<ProvenEvidence[]>;
  readEvidence(drill: string): Promise<ProvenEvidence>;
  storeEvidence(copy: EvidenceCopy): Promise<void>;
  doctor(): Promise<DoctorCheck[]>;
  close(): Promise<void>;
}

export interface OpenEngineOptions {
  readonly address: string;
  readonly storage?: StorageSettings;
  readonly layout: 'repository' | 'bundles';
  /** Texts as people hold them; the first is for new backups. */
  readonly keyTexts: readonly string[];
  readonly kms?: KmsSettings;
  readonly signingKeyFile: string;
  readonly stateFolder: string;
  readonly progress: ProgressPort;
  readonly signal: AbortSignal;
  /** Makes the repository when there is none. Throws `repository_exists` for `always` when there is one. */
  readonly create?: 'if-missing' | 'always';
  /** A repository made anew cuts and names chunks as this one. */
  readonly like?: Engine;
  /** Whether what changed little is stored as a difference. Default: where reading is cheap. */
  readonly differences?: boolean;
  /** A backup is skipped when less is free at the destination. Default 500 MB. */
  readonly minimumFreeBytes?: number;
}

export interface ProgressPort {
  phase(name: string, total: { bytes?: number | null; entries?: number | null }): void;
  advance(done: { bytes?: number; storedBytes?: number; entries?: number }): void;
  warn(message: string): void;
}

/** What the restore of one tenant would do, table by table. */
export interface TenantPlan {
  readonly tenant: string;
  readonly tables: readonly {
    readonly table: string;
    readonly deletes: number;
    readonly inserts: number;
    readonly updates: number;
    readonly unchanged: number;
  }[];
  /** Why it is refused; empty when it is not. */
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
}

export interface TenantRestoreRequest {
  readonly backupId: string;
  readonly item: string | null;
  readonly target: string;
  readonly tenant: Omit<TenantChoice, 'id'> & { readonly id: string };
  /** False ends it before anything is changed; what it throws is passed on. */
  readonly decide: (plan: TenantPlan) => boolean;
}

export interface TenantRestoreOutcome {
  readonly backupId: string;
  readonly item: string;
  readonly durationMs: number;
  readonly plan: TenantPlan;
  readonly applied: boolean;
  readonly sequences: readonly string[];
}

export interface EngineModule {
  /** Reads the sources once into the first destination that answers, and copies to the others. */
  backupToAll(
    request: BackupRequest,
    specs: readonly DestinationSpec[],
    port: RunPort,
  ): Promise<BackupWithCopies>;
  /** Throws `repository_missing`, `key_missing`, `key_wrong`, `repository_newer`, `storage_*`. */
  openEngine(options: OpenEngineOptions): Promise<Engine>;
  /** Brings destinations what they lack from each other. */
  replicateBetween(request: ReplicateRequest, port: RunPort): Promise<ReplicateOutcome>;
  /** Checks every copy; with `heal` repairs each from the others and looks again. */
  verifyAll(request: VerifyAllRequest, port: RunPort): Promise<VerifiedCopy[]>;
  /** Does the same at each destination; one that fails does not keep the others from it. */
  eachDestination<T>(
    specs: readonly DestinationSpec[],
    port: RunPort,
    work: (engine: Engine, destination: string) => Promise<T>,
  ): Promise<DoneAt<T>[]>;
  /** Does work with the nearest copy of a backup; when that is damaged or down, with the next. */
  withNearestCopy<T>(
    specs: readonly DestinationSpec[],
    text: string,
    port: RunPort,
    work: (copy: NearCopy) => Promise<T>,
  ): Promise<T>;
  /** Writes tables of one moment as NDJSON. Throws `usage`, `target_not_empty`, `target_failed`, and what the source throws. */
  dumpTables(request: {
    readonly source: SourceSpec;
    readonly tables: readonly string[];
    readonly folder: string;
    readonly scratchRoot: string;
    readonly progress: ProgressPort;
    readonly signal: AbortSignal;
  }): Promise<{ readonly outDir: string; readonly counts: Readonly<Record<string, number>> }>;
  openBundle(request: {
    readonly file: string;
    readonly folder: string;
    readonly keyTexts: readonly string[];
    readonly progress: ProgressPort;
    readonly signal: AbortSignal;
  }): Promise<OpenedBundle>;
  /** Writes a recovery kit whole or not at all. Throws `target_not_empty`, `key_wrong`, and what opening throws. */
  writeKit(request: KitRequest): Promise<KitPayload>;
  /** Puts the head of a ledger on a destination; needs no key of it. */
  writeAnchor(
    place: AnchorPlace,
    anchor: { readonly ledgerId: string; readonly name: string; readonly bytes: Uint8Array },
  ): Promise<void>;
  /** Every head of a ledger there, unproven. */
  readAnchors(place: AnchorPlace): AsyncIterable<StoredAnchor>;
  /** Keeps evidence of a drill that could not open its destination. */
  failedDrill(drill: FailedDrill): Promise<DrillOutcome>;
  /** Checks a page or a document of a drill with nothing else. Throws `evidence_invalid`. */
  verifyEvidence(bytes: Uint8Array, signer: string | null): VerifiedEvidence;
  /** What a restore would replace, as sources of a safety backup. */
  safetySources(target: string, steps: RestorePlan['steps']): Promise<SourceSpec[]>;
  listSwitches(stateFolder: string, progress: ProgressPort): Promise<ListedSwitch[]>;
  /** Puts back what a restore replaced. Throws `usage`, `target_busy`, `target_failed`. */
  switchBack(request: SwitchRequest): Promise<ListedSwitch>;
  /** Removes what is kept of an exchange. Throws `usage`, `target_failed`. */
  dropKept(request: SwitchRequest): Promise<ListedSwitch>;
  readonly SAFETY_PLAN: string;
  generateKeyText(): string;
  /** 16 hex digits that tell keys apart; null for a passphrase. */
  keyIdOf(keyText: string): string | null;
  /** Why a passphrase is easy to guess; null when nothing speaks against it, or for a random key. */
  isWeakPassphrase(text: string): string | null;
}
