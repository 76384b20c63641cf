/**
 * The worker's door: `openRunner` gives the handler that does jobs through the engine. What a machine knows by itself, where its
 * secrets are and what its paths mean, comes in by `Workplace`.
 */
import type { Config } from '../../contracts/config.ts';
import type { Environment } from '../../contracts/interpolate.ts';
import type { DestinationSpec, SourceSpec } from '../../engine/index.ts';

/** Turns what a configuration names into what the engine takes, with the secrets of this machine. */
export interface Workplace {
  /** Keys and logins are read when it is opened. Throws `config_invalid` for a variable that is not set. */
  destination(config: Config, name: string): Promise<DestinationSpec>;
  /** Throws `config_invalid` for a variable that is not set. */
  source(config: Config, name: string): Promise<SourceSpec>;
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
