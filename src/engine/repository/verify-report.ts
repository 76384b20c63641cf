import type { ErrorCode } from '../base/errors.ts';

/** An object that is not what it should be. */
export interface DamagedObject {
  readonly name: string;
  readonly code: ErrorCode;
  readonly why: string;
}

export interface AffectedArtifact {
  readonly artifact: string;
  readonly why: string;
  /** For a tree, files whose content is hit, escaped for people; the first hundred. */
  readonly paths: readonly string[];
  /** How many more files are hit. */
  readonly morePaths: number;
}

/** A backup of which something cannot be restored. */
export interface AffectedBackup {
  readonly id: string;
  /** Object name of its manifest. */
  readonly name: string;
  readonly plan: string | null;
  readonly startedAt: string;
  readonly artifacts: readonly AffectedArtifact[];
}

export interface VerifyReport {
  /** True when everything looked at is good. */
  readonly ok: boolean;
  readonly scope: 'all' | 'share' | 'backup';
  /** Which packs a share looked at is decided by this; the same seed looks at the same ones. */
  readonly seed: number | null;
  readonly checked: {
    readonly objects: number;
    readonly packs: number;
    readonly packBytes: number;
    readonly chunks: number;
    readonly backups: number;
    readonly artifacts: number;
    /** Bytes of artifacts whose SHA-256 was compared. */
    readonly hashedBytes: number;
  };
  readonly damaged: readonly DamagedObject[];
  /** Damaged packs that carry a tombstone and that no backup needs any more: what they held was stored anew, prune deletes them. */
  readonly replaced: readonly DamagedObject[];
  /** Exactly the backups that are hit; empty artifacts mean that the manifest itself cannot be used. */
  readonly affected: readonly AffectedBackup[];
  /** What lies among the backups and is none: wrong signature, wrong place, damaged. */
  readonly rejected: readonly DamagedObject[];
  /** Packs that no index lists. Not damage: they are found, but slower. */
  readonly unlistedPacks: number;
}
