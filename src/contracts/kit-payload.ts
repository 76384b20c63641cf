/** What `holdfast kit` writes with --json. The rules of `cli-payloads.ts` hold here, too. */
import { z } from 'zod';

export const kitPayload = z.strictObject({
  folder: z.string(),
  zipFile: z.string().nullable(),
  files: z.array(z.string()).readonly(),
  /** Whether a key is in the kit: `wrapped` needs a passphrase beside it, `plain` opens everything by itself. */
  key: z.enum(['none', 'wrapped', 'plain']),
  destinations: z
    .array(
      z.strictObject({
        address: z.string(),
        /** Null for a destination of bundles. */
        repositoryId: z.string().nullable(),
        /** Keys that open the newest epoch; empty for bundles. */
        keyIds: z.array(z.string()).readonly(),
        /** SHA-256 of every public key that may have signed a backup, hex. */
        fingerprints: z.array(z.string()).readonly(),
        backups: z.int().min(0),
      }),
    )
    .readonly(),
});

export type KitPayload = z.infer<typeof kitPayload>;
