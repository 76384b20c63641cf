import { z } from 'zod';
import { isId } from '../base/ids.ts';
import { evidenceName, FOLDERS, leafOf } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { isDamage, openJson, sealJson } from './sealed-json.ts';

const evidenceSchema = z.object({
  version: z.literal(1),
  drillId: z.string(),
  backupId: z.string(),
  /** The signed document, as its text is. */
  document: z.string(),
  /** The signed page for people. */
  page: z.string(),
});

export interface EvidenceRef {
  readonly name: string;
  readonly drillId: string;
  readonly backupId: string;
}

export interface StoredEvidence extends EvidenceRef {
  readonly document: string;
  readonly page: string;
}

/** Puts the evidence of a drill beside the backups. Throws `key_wrong` when the repository is read-only. Idempotent. */
export async function putEvidence(
  context: RepositoryContext,
  evidence: Omit<StoredEvidence, 'name'>,
): Promise<void> {
  requireWritable(context);
  const { drillId, backupId, document, page } = evidence;
  const bytes = sealJson(context, 'evidence', { version: 1, drillId, backupId, document, page });
  await context.storage.put(evidenceName(backupId, drillId), bytes);
}

/** Names of evidence, ascending by backup and then by the time of the drill. Unproven. */
export async function* listEvidence(context: RepositoryContext, backupId = ''): AsyncGenerator<EvidenceRef> {
  for await (const { name } of context.storage.list(`${FOLDERS.evidence}${backupId}`)) {
    const [backup = '', drill = '', ...rest] = leafOf(name).split('_');
    if (rest.length === 0 && isId(backup) && isId(drill)) yield { name, backupId: backup, drillId: drill };
  }
}

/** Null for an object that is not what it should be: it proves nothing. Its signature is for the caller to check. */
export async function readEvidence(
  context: RepositoryContext,
  ref: EvidenceRef,
): Promise<StoredEvidence | null> {
  try {
    const object = { name: ref.name, bytes: await context.storage.get(ref.name) };
    const { value } = openJson(context, 'evidence', object, evidenceSchema);
    if (value.drillId !== ref.drillId || value.backupId !== ref.backupId) return null;
    return { ...ref, document: value.document, page: value.page };
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}
