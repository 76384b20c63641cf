/**
 * What each command writes with --json: exactly one of these documents. Sizes in bytes, durations in
 * milliseconds, times in ISO 8601 UTC. New fields may appear; none goes away or changes its meaning.
 */
import { z } from 'zod';

const time = z.iso.datetime({ precision: 3 });
const size = z.int().min(0);
const type = z.enum(['db', 'storage', 'full']);
const facts = z.record(z.string(), z.json());

export const errorPayload = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), next: z.string() }),
});

export const initPayload = z.strictObject({
  repositoryId: z.string(),
  address: z.string(),
  /** Where a generated key was written; null when a key was given. */
  keyFile: z.string().nullable(),
  /** All that were made, where the configuration names several; the fields above are those of the first. */
  destinations: z
    .array(
      z.strictObject({
        name: z.string(),
        repositoryId: z.string(),
        address: z.string(),
        keyFile: z.string().nullable(),
        /** The destination whose way of cutting and naming chunks it shares. */
        like: z.string().nullable(),
      }),
    )
    .optional(),
});

const problem = z.strictObject({
  artifact: z.string(),
  path: z.string(),
  cause: z.string(),
  message: z.string(),
});

/** What went wrong with one backup at a destination, or with the destination as a whole (null). */
const copyFailure = z.strictObject({
  backupId: z.string().nullable(),
  code: z.string(),
  message: z.string(),
  next: z.string(),
});

/** A destination at which something was not done, where several were asked. */
const failureAt = z.strictObject({ destination: z.string(), ...copyFailure.shape });

const copyStatus = z.strictObject({
  destination: z.string(),
  address: z.string(),
  /** `stored`: written there. `copied`: copied there. `missing`: it lacks this backup or another of the plan. */
  status: z.enum(['stored', 'copied', 'missing']),
  /** Backups that came by copying, this one or older ones. */
  copied: size,
  storedBytes: size,
  /** Backups that it lacks and should have. */
  missing: size,
  failures: z.array(copyFailure),
});

const madeBackup = {
  backupId: z.string(),
  /** `copy-missing`: stored and whole, and a destination lacks a copy. */
  status: z.enum(['succeeded', 'incomplete', 'copy-missing']),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  type,
  bytesRead: size,
  bytesStored: size,
  durationMs: size,
  artifacts: z.array(
    z.strictObject({ name: z.string(), kind: z.string(), sizeBytes: size, sha256: z.string() }),
  ),
  problems: z.array(problem),
  /** Where it was written and copied to, for a plan of the configuration. */
  destination: z.string().optional(),
  copies: z.array(copyStatus).optional(),
  /** With --profile: milliseconds by stage; those of workers are the sum over all of them. */
  profile: z
    .strictObject({ durationMs: size, workers: z.int().min(1), stages: z.record(z.string(), size) })
    .optional(),
};

/** A backup of sources that go to destinations of their own, or why there is none. */
const backupPart = z.union([
  z.strictObject(madeBackup),
  z.strictObject({
    status: z.literal('failed'),
    sources: z.array(z.string()),
    error: errorPayload.shape.error,
  }),
]);

export const backupPayload = z.strictObject({
  ...madeBackup,
  /** One for each set of destinations that sources are separated into. */
  parts: z.array(backupPart).optional(),
  /** Hooks behind the run that failed; the backup is not touched by it. */
  hookProblems: z.array(errorPayload.shape.error).optional(),
});

const replicatedBackup = {
  id: z.string(),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  type,
  timestamp: time,
  sizeBytes: size,
};

export const replicatePayload = z.strictObject({
  dryRun: z.boolean(),
  /** True when no destination lacks anything it should have. */
  ok: z.boolean(),
  destinations: z.array(
    z.strictObject({
      destination: z.string(),
      address: z.string(),
      /** `unknown`: it could not be looked at. With `dryRun`, what is to be copied counts as missing. */
      status: z.enum(['complete', 'missing', 'unknown']),
      copied: z.array(z.strictObject(replicatedBackup)),
      storedBytes: size,
      missing: z.array(z.strictObject(replicatedBackup)),
      /** What it is not to have: `archived` there, removed by `retention` there, or refused by `region`. */
      leftOut: z.array(z.strictObject({ ...replicatedBackup, reason: z.string(), text: z.string() })),
      failures: z.array(copyFailure),
    }),
  ),
});

export const listPayload = z.array(
  z.strictObject({
    id: z.string(),
    plan: z.string().nullable(),
    tenantId: z.string().nullable(),
    type,
    timestamp: time,
    sizeBytes: size,
    status: z.string(),
    held: z.boolean(),
    /** The destinations that hold a copy, where there are several. */
    destinations: z.array(z.string()).optional(),
  }),
);

export const showPayload = z.strictObject({
  id: z.string(),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  type,
  status: z.string(),
  startedAt: time,
  finishedAt: time,
  host: z.string(),
  program: z.string(),
  held: z.boolean(),
  artifacts: z.array(
    z.strictObject({
      name: z.string(),
      source: z.string(),
      kind: z.string(),
      sizeBytes: size,
      sha256: z.string(),
      facts,
    }),
  ),
  problems: z.array(problem),
});

/** `holdfast show ID ITEM` for a file tree. */
export const treePayload = z.strictObject({
  id: z.string(),
  path: z.string(),
  entries: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      mode: z.string(),
      sizeBytes: size,
      modifiedAt: z.string(),
      linkTarget: z.string().nullable(),
    }),
  ),
});

export const restorePayload = z.strictObject({
  backupId: z.string(),
  durationMs: size,
  restored: z.array(z.strictObject({ item: z.string(), target: z.string(), sizeBytes: size })),
  warnings: z.array(z.string()),
  /** The backup of the target that was made first; null when nothing was replaced or it was turned off. */
  safetyBackupId: z.string().nullable(),
  /** What gave way and where it is now: a path, or a database of the same server. */
  kept: z.array(z.strictObject({ target: z.string(), keptAt: z.string() })),
  /** Which copy it came from, where there are several. */
  destination: z.string().optional(),
});

/** An exchange that a restore made on this host. */
export const switchPayload = z.strictObject({
  target: z.string(),
  kind: z.enum(['postgres', 'file', 'folder']),
  state: z.enum(['switched', 'switched-back', 'unfinished']),
  backupId: z.string(),
  safetyBackupId: z.string().nullable(),
  startedAt: time,
  switchedAt: time.nullable(),
  /** Where the old one is; after switching back, the restored one. */
  keptAt: z.string(),
  /** Null for a database, which is not asked. */
  isThere: z.boolean().nullable(),
});

export const switchesPayload = z.array(switchPayload);

const damagedObject = z.strictObject({
  name: z.string(),
  code: z.string(),
  why: z.string(),
  /** Where it lies, when several destinations were looked at. */
  destination: z.string().optional(),
});

export const verifyPayload = z.strictObject({
  /** True when every byte looked at is good. */
  ok: z.boolean(),
  scope: z.enum(['all', 'share', 'backup']),
  /** Which packs a share looked at is decided by this number; null otherwise. */
  seed: z.int().nullable(),
  durationMs: size,
  checked: z.strictObject({
    objects: size,
    packs: size,
    packBytes: size,
    chunks: size,
    backups: size,
    artifacts: size,
    hashedBytes: size,
  }),
  damaged: z.array(damagedObject),
  /** Damaged packs that no backup needs any more: what they held was stored anew, prune deletes them. */
  replaced: z.array(damagedObject),
  /** Backups that cannot be restored completely; without artifacts, not at all. */
  affected: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      plan: z.string().nullable(),
      startedAt: z.string(),
      destination: z.string().optional(),
      artifacts: z.array(
        z.strictObject({
          artifact: z.string(),
          why: z.string(),
          paths: z.array(z.string()),
          morePaths: size,
        }),
      ),
    }),
  ),
  /** What lies among the backups and is none. */
  rejected: z.array(damagedObject),
  /** Packs that are found, but slower, since no index lists them. */
  unlistedPacks: size,
  /** Each destination by itself, when there are several; then `ok` is true only when all are good and lack nothing. */
  copies: z
    .array(
      z.strictObject({
        destination: z.string(),
        address: z.string(),
        /** `missing`: good, but it lacks backups that another copy has. `down`: it could not be looked at. */
        status: z.enum(['good', 'damaged', 'missing', 'down']),
        missing: z.array(z.strictObject(replicatedBackup)),
        /** What `--heal` did; null when there was nothing to do. */
        healed: z.strictObject({ backups: z.array(z.string()), copied: size, storedBytes: size }).nullable(),
        failures: z.array(copyFailure),
      }),
    )
    .optional(),
});

export const rotatePayload = z.strictObject({
  dryRun: z.boolean(),
  removed: size,
  backups: z.array(
    z.strictObject({
      id: z.string(),
      plan: z.string().nullable(),
      tenantId: z.string().nullable(),
      type,
      timestamp: time,
      action: z.enum(['keep', 'remove']),
      reasons: z.array(z.strictObject({ code: z.string(), text: z.string() })),
      /** Where it lies, when several destinations were rotated. */
      destination: z.string().optional(),
    }),
  ),
  failures: z.array(failureAt).optional(),
});

export const configCheckPayload = z.strictObject({
  file: z.string(),
  valid: z.literal(true),
  destinations: z.array(z.string()),
  sources: z.array(z.string()),
  plans: z.array(z.string()),
  /** What is valid and probably not meant, such as keys beside the data they open. */
  warnings: z.array(z.string()),
});

export const keyGeneratePayload = z.strictObject({
  keyId: z.string(),
  key: z.string().nullable(),
  file: z.string().nullable(),
});

export const keyListPayload = z.array(
  z.strictObject({
    slotId: z.string(),
    keyId: z.string(),
    label: z.string(),
    kind: z.enum(['raw', 'passphrase', 'kms']),
    epoch: z.int(),
    createdAt: time,
    /** False for a key that opens older epochs only. */
    current: z.boolean(),
    /** False when the slot was changed since it was written; null for an epoch that is not open. */
    intact: z.boolean().nullable().optional(),
  }),
);

const packs = z.strictObject({ packs: size, bytes: size });

/** With `dryRun` what would happen, else what did. */
export const prunePayload = z.strictObject({
  dryRun: z.boolean(),
  /** In which nothing is used any more, marked now. */
  marked: packs,
  /** Marked by an earlier run, not long enough ago to go. */
  waiting: packs,
  deleted: packs,
  /** Of which little was used: that moved, and they were marked. */
  rewritten: packs,
  /** Marked before, and used again: unmarked. */
  revived: packs,
  stored: packs,
  liveBytes: size,
  /** Unreadable things that must be resolved before anything is deleted. */
  blockedBy: z.array(z.strictObject({ name: z.string(), why: z.string() })),
  /** Chunks a backup needs and no pack holds; see verify. */
  missingChunks: size,
  /** Destinations that were pruned, where there are several; the fields above are sums. */
  destinations: z.array(z.string()).optional(),
  failures: z.array(failureAt).optional(),
});

export const bundleExportPayload = z.strictObject({
  backupId: z.string(),
  file: z.string(),
  sizeBytes: size,
});

export const bundleOpenPayload = z.strictObject({
  backupId: z.string(),
  folder: z.string(),
  entries: size,
  sizeBytes: size,
  /** `unchecked`: signed, and the signer's key is not known here. */
  signature: z.enum(['valid', 'unchecked', 'absent']),
  skipped: z.array(z.string()),
});

export const bundleImportPayload = z.strictObject({ backupId: z.string(), sizeBytes: size });

/** Each file by itself; `known` was imported before. */
export const importPayload = z.strictObject({
  imported: z.array(
    z.strictObject({
      file: z.string(),
      backupId: z.string(),
      status: z.enum(['imported', 'known']),
      plan: z.string(),
      tenantId: z.string().nullable(),
      timestamp: time,
      /** What said when it was made. */
      timeFrom: z.enum(['given', 'name', 'file']),
      bytesStored: size,
      artifacts: z.array(
        z.strictObject({ name: z.string(), kind: z.string(), sizeBytes: size, sha256: z.string() }),
      ),
    }),
  ),
  failed: z.array(z.strictObject({ file: z.string(), error: errorPayload.shape.error })),
});

export const holdPayload = z.strictObject({
  backupId: z.string(),
  held: z.boolean(),
  reason: z.string().optional(),
});

/** Reason and time are null for a hold that is damaged: it still holds. */
export const holdListPayload = z.array(
  z.strictObject({ backupId: z.string(), reason: z.string().nullable(), createdAt: time.nullable() }),
);

export const doctorPayload = z.strictObject({
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(['ok', 'warning', 'problem']),
      message: z.string(),
      next: z.string().nullable(),
    }),
  ),
});

/** A report does not change once it is given. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type BackupPayload = z.output<typeof backupPayload>;
export type BackupPart = z.output<typeof backupPart>;
export type CopyFailurePayload = z.output<typeof copyFailure>;
export type CopyStatusPayload = z.output<typeof copyStatus>;
export type ReplicatePayload = z.output<typeof replicatePayload>;
export type InitPayload = z.output<typeof initPayload>;
export type ImportPayload = z.output<typeof importPayload>;
export type ListPayload = z.output<typeof listPayload>;
export type ShowPayload = z.output<typeof showPayload>;
export type TreePayload = z.output<typeof treePayload>;
export type SwitchesPayload = z.output<typeof switchesPayload>;
export type RestorePayload = z.output<typeof restorePayload>;
export type VerifyPayload = DeepReadonly<z.output<typeof verifyPayload>>;
export type RotatePayload = z.output<typeof rotatePayload>;
export type PrunePayload = z.output<typeof prunePayload>;
export type BundleOpenPayload = z.output<typeof bundleOpenPayload>;
