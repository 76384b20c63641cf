/**
 * The worker's door: `openRunner` gives the handler that does jobs through the engine. What a machine knows by itself, where its
 * secrets are and what its paths mean, comes in by `Workplace`.
 */
import type { Config, PlanConfig } from '../../contracts/config.ts';
import type { DrillConfig } from '../../contracts/config-drill.ts';
import type { Environment } from '../../contracts/interpolate.ts';
import type { DestinationSpec, DrillRequest, SourceSpec } from '../../engine/index.ts';

/** Turns what a configuration names into what the engine takes, with the secrets of this machine. */
export interface Workplace {
  /** Keys and logins are read when it is opened. Throws `config_invalid` for a variable that is not set. */
  destination(config: Config, name: string): Promise<DestinationSpec>;
  /** Throws `config_invalid` for a variable that is not set. */
  source(config: Config, name: string): Promise<SourceSpec>;
  /** What a drill of a plan needs besides its backups. Throws `config_invalid` for a variable that is not set. */
  drill(config: Config, plan: PlanConfig): Promise<Pick<DrillRequest, 'settings' | 'sources' | 'expected'>>;
  /** Where this machine keeps evidence of drills, and what signs it. */
  readonly evidence: { readonly stateFolder: string; readonly signingKeyFile: string };
  /** Variables of this machine that hooks may ask for by name. Default none. */
  readonly environment?: Environment;
}

/** What the jobs carry that are not backups. Names are those of stored documents. */
export interface RotatePayload {
  readonly plan: string;
}

export interface PrunePayload {
  readonly destination: string;
}

export interface ReplicatePayload {
  readonly plan: string;
}

export interface VerifyPayload {
  /** Null looks at every plan, or with `destination` at everything there. */
  readonly plan: string | null;
  readonly destination: string | null;
  /** Null looks at all of them. */
  readonly backupId: string | null;
  /** Part of the packs that is read, above 0 and up to 1. */
  readonly share: number;
  /** Gives damaged copies back what others have. */
  readonly heal: boolean;
}

export interface DrillPayload {
  /** Of a backup without a plan null. */
  readonly plan: string | null;
  /** The source that makes backups of its own, for a backup of one. */
  readonly part: string | null;
  /** Null for the newest of the plan. */
  readonly backupId: string | null;
  /** With `backupId` the stored destinations that hold it. */
  readonly destinations: readonly string[];
  /** Instead of those of the plan: a trial. Null for the plan's own. */
  readonly checks: DrillConfig['checks'] | null;
  readonly via: 'schedule' | 'after_backups' | 'ui' | 'api';
  readonly requestedBy: string | null;
}

export interface TableRetentionPayload {
  readonly source: string;
  readonly table: string;
  readonly via: 'schedule' | 'ui' | 'api';
  readonly requestedBy: string | null;
}

/** The result of a `table-retention` job. */
export interface TableRetentionResult {
  readonly source: string;
  readonly table: string;
  readonly destination: string;
  readonly archives: readonly { readonly backupId: string; readonly rows: number }[];
  readonly deleted: number;
  /** Rows that somebody changed meanwhile: they stay for the next run. */
  readonly changed: number;
  readonly resumed: boolean;
  readonly limits: readonly string[];
}

/** The result of a `drill` job. */
export interface DrillResult {
  readonly drillId: string;
  readonly result: 'green' | 'red';
  readonly isTrial: boolean;
  /** Null when no backup was found or could be opened. */
  readonly backupId: string | null;
  readonly rtoMs: number | null;
  readonly rpoMs: number | null;
  readonly redChecks: readonly string[];
  /** Of the signed document; null where none could be made. */
  readonly evidenceSha256: string | null;
}

/** The result of a `backup` job. */
export interface BackupResult {
  /** The backup of the plan's own destinations first, then those of separated sources. */
  readonly backups: readonly {
    readonly backupId: string;
    readonly status: 'succeeded' | 'incomplete' | 'copy-missing';
    readonly sources: readonly string[];
    readonly bytesRead: number;
    readonly bytesStored: number;
    readonly durationMs: number;
    readonly destination: string;
    readonly missingCopies: readonly string[];
    readonly problems: number;
  }[];
}
