import { z } from 'zod';
import { backupPayload } from './cli-payloads.ts';

/** What `holdfast guard --json` writes. */
export const guardPayload = z.strictObject({
  backup: backupPayload,
  command: z.strictObject({
    argv: z.array(z.string()),
    status: z.enum(['succeeded', 'failed']),
    /** Null when a signal ended it, or it could not be started. */
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    durationMs: z.int().min(0),
  }),
  /** How to go back: lines for a shell, in order. */
  wayBack: z.array(
    z.strictObject({
      item: z.string(),
      commands: z.array(z.string()),
      note: z.string().nullable(),
      /** Puts back what those replaced; null where they replace nothing. */
      undo: z.string().nullable(),
    }),
  ),
});

export type GuardPayload = z.output<typeof guardPayload>;
export type WayBackStep = GuardPayload['wayBack'][number];
