/** What `holdfast drill` and `holdfast evidence` write with --json. The rules of `cli-payloads.ts` hold here, too. */
import { z } from 'zod';

const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const result = z.enum(['green', 'red']);

const reportFields = {
  drillId: z.string(),
  /** `green` only when every check is. */
  result,
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  destination: z.string(),
  /** Null when none was found or could be opened. */
  backup: z.strictObject({ id: z.string(), type: z.string(), startedAt: time, sizeBytes: count }).nullable(),
  startedAt: time,
  finishedAt: time,
  /** Recovery time; null when the data did not come back. */
  rtoMs: count.nullable(),
  /** Age of the data at the drill's start. */
  rpoMs: count.nullable(),
  phases: z.array(z.strictObject({ name: z.string(), durationMs: count })),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      status: result,
      detail: z.string(),
      durationMs: count,
    }),
  ),
  /** Why it could not run, or not to its end. */
  failure: z.strictObject({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
  surroundings: z.array(z.string()),
  limits: z.array(z.string()),
};

const signedBy = {
  /** Hex, of the key that signed. */
  fingerprint: z.string(),
};

export const drillPayload = z.strictObject({
  ...reportFields,
  evidence: z.strictObject({
    ...signedBy,
    document: z.string(),
    page: z.string(),
    /** Destinations that hold it. */
    storedAt: z.array(z.string()),
    /** Why it is missing elsewhere. */
    notStored: z.array(z.string()),
  }),
});

export const evidenceListPayload = z.array(
  z.strictObject({
    drillId: z.string(),
    backupId: z.string(),
    plan: z.string().nullable(),
    tenantId: z.string().nullable(),
    result,
    startedAt: time,
    rtoMs: count.nullable(),
    rpoMs: count.nullable(),
    ...signedBy,
  }),
);

export const evidenceShowPayload = z.strictObject({
  ...reportFields,
  ...signedBy,
  files: z.array(z.string()),
});

export const evidenceVerifyPayload = z.strictObject({
  file: z.string(),
  valid: z.literal(true),
  form: z.enum(['document', 'page']),
  ...signedBy,
  /** True when the fingerprint was given and compared. */
  signerCompared: z.boolean(),
  drillId: z.string(),
  result,
  plan: z.string().nullable(),
  startedAt: time,
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type DrillPayload = DeepReadonly<z.output<typeof drillPayload>>;
export type EvidenceListPayload = DeepReadonly<z.output<typeof evidenceListPayload>>;
