/** The engine as the command line uses it: types alone, so that `--help` does not wait for it. It is loaded on first use. */
import type { BackupDetails, Engine } from '../engine/index.ts';

export type {
  BackupDetails,
  BackupOutcome,
  BackupProfile,
  BackupRequest,
  BackupType,
  BackupWithCopies,
  CopyFailure,
  CopySet,
  CopyStatus,
  DestinationSpec,
  DoctorCheck,
  DoneAt,
  DrillOutcome,
  DrillReport,
  DrillRequest,
  Engine,
  KeptState,
  ListedBackup,
  ListedSwitch,
  NearCopy,
  OpenEngineOptions,
  ProvenEvidence,
  PruneOutcome,
  ReplicatedBackup,
  ReplicatedTo,
  ReplicateOutcome,
  ReplicateRequest,
  RestoreOutcome,
  RestoreRequest,
  RetentionInput,
  RotateOutcome,
  SafeRestore,
  TenantPlan,
  TenantRestoreOutcome,
  TreeItem,
  VerifiedCopy,
} from '../engine/index.ts';

/** What the commands call. */
export type EngineModule = Pick<typeof import('../engine/index.ts'), Called>;

type Called =
  | 'SAFETY_PLAN'
  | 'backupToAll'
  | 'dropKept'
  | 'dumpTables'
  | 'eachDestination'
  | 'failedDrill'
  | 'generateKeyText'
  | 'isWeakPassphrase'
  | 'keyIdOf'
  | 'listSwitches'
  | 'openBundle'
  | 'openEngine'
  | 'readAnchors'
  | 'replicateBetween'
  | 'resolveRetention'
  | 'safetySources'
  | 'storeAtCopies'
  | 'switchBack'
  | 'verifyAll'
  | 'verifyEvidence'
  | 'withNearestCopy'
  | 'writeAnchor'
  | 'writeKit';

export type VerifyOutcome = Awaited<ReturnType<Engine['verify']>>;
export type ArtifactDetails = BackupDetails['artifacts'][number];
export type ImportedDump = Awaited<ReturnType<Engine['importDump']>>;
export type RestorePlan = Awaited<ReturnType<Engine['planRestore']>>;
export type OpenedBundle = Awaited<ReturnType<EngineModule['openBundle']>>;
