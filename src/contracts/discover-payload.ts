/** What discover writes with --json: see cli-payloads.ts. */
import { z } from 'zod';
import { size } from './payload-parts.ts';

const common = {
  sizeBytes: size.nullable(),
  /** Why it cannot be backed up as it is; null for no reason. */
  problem: z.string().nullable(),
  /** Its name under `sources`; null for one that is left out there. */
  source: z.string().nullable(),
};

export const discoverPayload = z.strictObject({
  databases: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('postgres'),
        server: z.string(),
        name: z.string(),
        owner: z.string(),
        encoding: z.string(),
        mayConnect: z.boolean(),
        /** Null where nobody looked. */
        mayRead: z.boolean().nullable(),
        ...common,
      }),
      z.strictObject({
        kind: z.literal('sqlite'),
        path: z.string(),
        modifiedAt: z.string(),
        journalMode: z.enum(['wal', 'delete']).nullable(),
        ...common,
      }),
    ]),
  ),
  /** As in holdfast.yaml. */
  sources: z.record(z.string(), z.record(z.string(), z.string())),
  /** Folders and files that were not looked at. */
  unreadable: z.array(z.strictObject({ path: z.string(), cause: z.string() })),
  /** What there may be more behind. */
  limits: z.array(z.enum(['depth', 'entries', 'found'])),
});
