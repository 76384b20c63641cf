/** What verify, rotate, prune, hold, key, config and doctor write with --json: see cli-payloads.ts. */
import { z } from 'zod';
import {
  copyFailure,
  damagedObject,
  failureAt,
  replicatedBackup,
  size,
  time,
  type,
} from './payload-parts.ts';

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
  tenants: z.array(z.string()),
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

export type VerifyPayload = DeepReadonly<z.output<typeof verifyPayload>>;

export type RotatePayload = z.output<typeof rotatePayload>;

export type PrunePayload = z.output<typeof prunePayload>;
