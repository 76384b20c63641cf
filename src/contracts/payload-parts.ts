/** What several documents of the command line have in common. Sizes in bytes, times in ISO 8601 UTC. */
import { z } from 'zod';

export const time = z.iso.datetime({ precision: 3 });
export const size = z.int().min(0);
export const type = z.enum(['db', 'storage', 'full']);
export const facts = z.record(z.string(), z.json());

export const problem = z.strictObject({
  artifact: z.string(),
  path: z.string(),
  cause: z.string(),
  message: z.string(),
});

/** What went wrong with one backup at a destination, or with the destination as a whole (null). */
export const copyFailure = z.strictObject({
  backupId: z.string().nullable(),
  code: z.string(),
  message: z.string(),
  next: z.string(),
});

/** A destination at which something was not done, where several were asked. */
export const failureAt = z.strictObject({ destination: z.string(), ...copyFailure.shape });

export const copyStatus = z.strictObject({
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

export const replicatedBackup = {
  id: z.string(),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  type,
  timestamp: time,
  sizeBytes: size,
};

export const damagedObject = z.strictObject({
  name: z.string(),
  code: z.string(),
  why: z.string(),
  /** Where it lies, when several destinations were looked at. */
  destination: z.string().optional(),
});
