/** What a machine remembers of manifests that it read and found good; `remembered-manifests.ts` keeps it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BACKUP_TYPES } from '../base/backup-type.ts';
import type { Manifest } from '../repository/manifest.ts';

export const factsSchema = z.object({
  id: z.string(),
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  type: z.enum(BACKUP_TYPES),
  startedAt: z.string(),
  complete: z.boolean(),
  sizeBytes: z.number(),
  /** Names of the sources that are in it. */
  sources: z.array(z.string()),
  /** Of what is the same in every copy: parts, sizes, hashes of streams. */
  digest: z.string(),
});
/** What copying and retention need to know of a backup. */
export type BackupFacts = Readonly<z.infer<typeof factsSchema>>;

/** An object as a listing shows it. */
export interface ListedObject {
  readonly name: string;
  readonly storedBytes: number;
  readonly modifiedAtMs: number;
}

export interface KnownManifests {
  /** Null for what was not read before, or is another object since. */
  factsOf(object: ListedObject): BackupFacts | null;
  learn(object: ListedObject, facts: BackupFacts): void;
  /** Keeps what was asked for or learnt, and forgets the rest. Never throws: a machine that cannot remember reads again. */
  save(): Promise<void>;
}

export function factsOf({ id, plan, tenantId, type, startedAt, complete, artifacts }: Manifest): BackupFacts {
  const sizeBytes = artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0);
  const parts = artifacts.map(({ name, form, sizeBytes: size, sha256 }) =>
    form === 'tree' ? [name, form, size] : [name, form, size, sha256],
  );
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  const sources = [...new Set(artifacts.map(({ source }) => source))].sort();
  return { id, plan, tenantId, type, startedAt, complete, sizeBytes, sources, digest };
}

/** Nothing, for whoever wants to see for himself. */
export const NOTHING_KNOWN: KnownManifests = {
  factsOf: () => null,
  learn: () => {},
  save: async () => {},
};
