/** What a drill found: the content of its evidence. */
import { z } from 'zod';

const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);

/**
 * `open`: manifest and index. `prepare`: the throwaway server. `load`: definitions and rows, fetched, decrypted and loaded in
 * one stream. `index`: indexes, constraints and the rest. `files`: everything that is a file, fetched, decrypted and written
 * in one stream. `compare`: what was restored against the backup. `application`: until it answers. `checks`: the plan's own.
 */
export const PHASE_NAMES = [
  'open',
  'prepare',
  'load',
  'index',
  'files',
  'compare',
  'application',
  'checks',
] as const;

const result = z.enum(['green', 'red']);

const trendPoint = z.object({
  drillId: z.string(),
  startedAt: time,
  result,
  rtoMs: count.nullable(),
  rpoMs: count.nullable(),
});

export const drillReportSchema = z.object({
  version: z.literal(1),
  kind: z.literal('drill'),
  drillId: z.string(),
  program: z.string(),
  host: z.string(),
  repositoryId: z.string(),
  /** Without credentials. */
  destination: z.string(),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  /** Null when none was found or could be opened. */
  backup: z.object({ id: z.string(), type: z.string(), startedAt: time, sizeBytes: count }).nullable(),
  /** Parts of the same recovery that lie elsewhere, such as keys kept apart. */
  otherBackups: z.array(
    z.object({ id: z.string(), repositoryId: z.string(), destination: z.string(), startedAt: time }),
  ),
  startedAt: time,
  finishedAt: time,
  /** Green only when the drill ran to its end and every check is green. */
  result,
  /** Until everything was back, without what was only compared; null when it did not come back. */
  rtoMs: count.nullable(),
  /** Age of the oldest part of the data at the drill's start; null without a backup. */
  rpoMs: count.nullable(),
  phases: z.array(z.object({ name: z.enum(PHASE_NAMES), durationMs: count })),
  checks: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      status: result,
      /** What was looked at, or what is wrong, in words. */
      detail: z.string(),
      durationMs: count,
    }),
  ),
  /** Why the drill could not run, or not to its end. */
  failure: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
  tables: z.array(z.object({ source: z.string(), name: z.string(), rows: count })),
  moreTables: count,
  /** How it ran: the server, what kept it from the network. */
  surroundings: z.array(z.string()),
  /** What this drill does not prove. */
  limits: z.array(z.string()),
  /** Earlier drills of the plan on this host, oldest first. */
  trend: z.array(trendPoint),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type DrillReport = DeepReadonly<z.output<typeof drillReportSchema>>;
export type PhaseName = (typeof PHASE_NAMES)[number];
export type DrillPhase = DrillReport['phases'][number];
export type CheckResult = DrillReport['checks'][number];
export type DrillFailure = NonNullable<DrillReport['failure']>;
export type TrendPoint = DrillReport['trend'][number];
export type DrilledBackup = NonNullable<DrillReport['backup']>;
