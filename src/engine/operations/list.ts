import { isImported, type Manifest, type ManifestProblem } from '../repository/manifest.ts';
import type { PlaceEncryption } from './bundle-store.ts';
import type { OperationContext } from './context.ts';

export interface ListedBackup {
  readonly id: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: 'db' | 'storage' | 'full';
  readonly timestampMs: number;
  readonly sizeBytes: number;
  /** `imported`: whole, and made by another program. */
  readonly status: 'succeeded' | 'incomplete' | 'imported';
  readonly held: boolean;
  /** `none` only for a bundle that was made so. */
  readonly encryption: PlaceEncryption;
}

export interface BackupDetails extends ListedBackup {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly host: string;
  readonly program: string;
  readonly artifacts: readonly {
    readonly name: string;
    readonly source: string;
    readonly kind: string;
    readonly form: 'stream' | 'tree';
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly facts: { readonly [key: string]: unknown };
  }[];
  readonly problems: readonly ManifestProblem[];
}

export interface ListFilter {
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** Those in the archive instead. */
  readonly archived: boolean;
}

/** Backups that pass every check, newest first. What lies among them and is none is told to the progress port. */
export async function listBackups(context: OperationContext, filter: ListFilter): Promise<ListedBackup[]> {
  const { repository, progress } = context;
  const held = await heldIds(context);
  const listed: ListedBackup[] = [];
  const options = {
    state: filter.archived ? ('archived' as const) : ('backups' as const),
    onRejected: ({ name, why }: { name: string; why: string }) =>
      progress.warn(`${name} is not a backup: ${why}`),
  };
  for await (const { manifest } of repository.manifests.readAll(options)) {
    if (filter.plan !== null && manifest.plan !== filter.plan) continue;
    if (filter.tenantId !== null && manifest.tenantId !== filter.tenantId) continue;
    listed.push(summaryOf(manifest, held));
  }
  return listed;
}

/** One backup, listed or archived. Throws `id_unknown`, `id_ambiguous`. */
export async function showBackup(context: OperationContext, id: string): Promise<BackupDetails> {
  const { manifest } = await context.repository.manifests.resolve(id, ['backups', 'archived']);
  return detailsOf(manifest, await heldIds(context));
}

/** Everything a manifest says, without the references to its chunks. */
export function detailsOf(
  manifest: Manifest,
  held: ReadonlySet<string>,
  encryption?: PlaceEncryption,
): BackupDetails {
  return {
    ...summaryOf(manifest, held, encryption),
    startedAtMs: Date.parse(manifest.startedAt),
    finishedAtMs: Date.parse(manifest.finishedAt),
    host: manifest.host,
    program: manifest.program,
    artifacts: manifest.artifacts.map(({ content: _, ...artifact }) => artifact),
    problems: manifest.problems,
  };
}

async function heldIds({ repository }: OperationContext): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { backupId } of repository.holds.list()) ids.add(backupId);
  return ids;
}

/** Only `succeeded` counts as good: for retention, for the age of the last backup. */
export function statusOf(manifest: Manifest): ListedBackup['status'] {
  if (!manifest.complete) return 'incomplete';
  return isImported(manifest) ? 'imported' : 'succeeded';
}

/** What a listing says of a backup. `held` has the ids of held ones. */
export function summaryOf(
  manifest: Manifest,
  held: ReadonlySet<string>,
  encryption: PlaceEncryption = 'aes-256-gcm',
): ListedBackup {
  const { id, plan, tenantId, type, artifacts } = manifest;
  return {
    ...{ id, plan, tenantId, type },
    timestampMs: Date.parse(manifest.startedAt),
    sizeBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    status: statusOf(manifest),
    held: held.has(id),
    encryption,
  };
}
