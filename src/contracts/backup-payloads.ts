/** What init, backup, replicate and import write with --json: see cli-payloads.ts. */
import { z } from 'zod';
import { copyFailure, copyStatus, problem, replicatedBackup, size, time, type } from './payload-parts.ts';

export const errorPayload = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), next: z.string() }),
});

export const initPayload = z.strictObject({
  repositoryId: z.string(),
  address: z.string(),
  /** Where a generated key was written; null when a key was given. */
  keyFile: z.string().nullable(),
  /** False, and only with `--if-missing`: it was there already, and the key of this run opens it. */
  created: z.boolean().optional(),
  /** All that were made, where the configuration names several; the fields above are those of the first. */
  destinations: z
    .array(
      z.strictObject({
        name: z.string(),
        repositoryId: z.string(),
        address: z.string(),
        keyFile: z.string().nullable(),
        created: z.boolean().optional(),
        /** The destination whose way of cutting and naming chunks it shares. */
        like: z.string().nullable(),
      }),
    )
    .optional(),
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
      /** What it is not to have: `archived` there, removed by `retention` there, refused by `region`, or holding sources that are kept `separate`. */
      leftOut: z.array(z.strictObject({ ...replicatedBackup, reason: z.string(), text: z.string() })),
      failures: z.array(copyFailure),
    }),
  ),
});

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

export type BackupPayload = z.output<typeof backupPayload>;

export type BackupPart = z.output<typeof backupPart>;

export type CopyFailurePayload = z.output<typeof copyFailure>;

export type CopyStatusPayload = z.output<typeof copyStatus>;

export type ReplicatePayload = z.output<typeof replicatePayload>;

export type InitPayload = z.output<typeof initPayload>;

export type ImportPayload = z.output<typeof importPayload>;
