/** What list, show, restore and bundle write with --json: see cli-payloads.ts. */
import { z } from 'zod';
import { facts, problem, size, time, type } from './payload-parts.ts';

const encryption = z.enum(['aes-256-gcm', 'none']);

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
    /** `none` where any copy that was looked at is a bundle that is not encrypted. */
    encryption,
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
  encryption,
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

export const bundleExportPayload = z.strictObject({
  backupId: z.string(),
  file: z.string(),
  sizeBytes: size,
  encryption,
});

export const bundleOpenPayload = z.strictObject({
  backupId: z.string(),
  folder: z.string(),
  entries: size,
  sizeBytes: size,
  /** `unchecked`: signed, and the signer's key is not known here. */
  signature: z.enum(['valid', 'unchecked', 'absent']),
  skipped: z.array(z.string()),
  encryption,
});

export const bundleImportPayload = z.strictObject({ backupId: z.string(), sizeBytes: size });

export type ListPayload = z.output<typeof listPayload>;

export type ShowPayload = z.output<typeof showPayload>;

export type TreePayload = z.output<typeof treePayload>;

export type SwitchesPayload = z.output<typeof switchesPayload>;

export type RestorePayload = z.output<typeof restorePayload>;

export type BundleOpenPayload = z.output<typeof bundleOpenPayload>;
