import type { Selectable } from 'kysely';
import { iso, isoOrNull } from '../../contracts/api/common.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { BackupsTable } from '../catalog/tables/backups.ts';
import type { CatalogDb } from '../catalog/types.ts';
import {
  type BackupEntry,
  type BackupStanding,
  listBackups as backupsIn,
  getBackup,
  isBackupCursor,
  standingOf,
} from '../history/backups.ts';
import { RequestProblem } from './problem.ts';

type Row = Selectable<BackupsTable>;

export interface BackupListRequest {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly tenant_id?: string | undefined;
  readonly plan?: string | undefined;
  readonly archived: 'true' | 'false';
}

/** Newest first, by the time a backup began. `visible`: see `visibleTenants`. */
export async function listBackups(
  db: CatalogDb,
  visible: readonly string[] | null,
  { limit, after, tenant_id: tenantId, plan, archived }: BackupListRequest,
) {
  if (after !== undefined && !isBackupCursor(after)) {
    throw new RequestProblem([{ field: 'after', message: 'is not what `next` gave' }]);
  }
  const filter = { visible, tenantId, plan, archived: archived === 'true' };
  const { items, next } = await backupsIn(db, filter, { limit, after: after ?? null });
  const standing = await standingOf(
    db,
    items.map(({ id }) => id),
  );
  return { items: items.map((entry) => backupPayload(entry, standing(entry.id))), next };
}

/** As its download is called, without its ending. */
export const bundleName = (type: string, startedAtMs: number) =>
  `${type}_${new Date(startedAtMs).toISOString().replace(/[:.]/g, '-')}`;

export function backupPayload(entry: BackupEntry, standing: BackupStanding) {
  const { copies, copiesWanted, lastDrill, encryption } = standing;
  const { id, plan, part, type, status, held } = entry;
  return {
    ...{ id, plan, part, tenant_id: entry.tenantId, type, status, held },
    ...{ size_bytes: entry.sizeBytes, stored_bytes: entry.storedBytes, job_id: entry.jobId },
    ...{ bundle: bundleName(type, entry.startedAtMs), key_id: entry.keyId },
    encryption,
    ...{ copies_present: copies, copies_wanted: copiesWanted, last_drill: lastDrill },
    timestamp: iso(entry.startedAtMs),
    databases: sizesOf(entry.artifacts),
    archived_at: isoOrNull(entry.archivedAtMs),
  };
}

/** Bytes of each source that is a database. */
export function databaseSizes({ artifacts }: Pick<Row, 'artifacts'>): Record<string, number> {
  return sizesOf(artifacts === null ? [] : (JSON.parse(artifacts) as BackupEntry['artifacts']));
}

function sizesOf(artifacts: BackupEntry['artifacts']): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, source = name, kind, sizeBytes } of artifacts) {
    if (/^(sqlite|pg-)/.test(kind)) sizes[source] = (sizes[source] ?? 0) + sizeBytes;
  }
  return sizes;
}

/** Throws `id_unknown`. */
export async function requireBackup(db: CatalogDb, id: string): Promise<Row> {
  const row = await db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw unknownBackup(id);
  return row;
}

const unknownBackup = (id: string) => new HoldfastError('id_unknown', `no backup has the id ${id}`);

/** What the catalog has of a backup. Throws `id_unknown`. */
export async function backupDetail(db: CatalogDb, id: string) {
  const entry = await getBackup(db, id);
  if (!entry) throw unknownBackup(id);
  const documents = await db
    .selectFrom('documents')
    .select(['id', 'name'])
    .where('kind', '=', 'destination')
    .execute();
  const names = new Map(documents.map((one) => [one.id, one.name]));
  return {
    ...backupPayload(entry, (await standingOf(db, [id]))(id)),
    artifacts: entry.artifacts.map(({ name, kind, sizeBytes }) => ({ name, kind, size_bytes: sizeBytes })),
    copies: entry.copies.map(({ destinationId, state, seenAtMs, error, verifiedAtMs, verifiedGood }) => ({
      destination: names.get(destinationId) ?? destinationId,
      ...{ state, seen_at: iso(seenAtMs), error },
      ...{ verified_at: isoOrNull(verifiedAtMs), verified_good: verifiedGood },
    })),
  };
}

/** Names of the destinations that hold a backup, as far as they still exist. */
export async function destinationsHolding(db: CatalogDb, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('backup_copies as copy')
    .innerJoin('documents as destination', 'destination.id', 'copy.destination_id')
    .select('destination.name')
    .where('copy.backup_id', '=', id)
    .where('copy.state', 'in', ['present', 'archived'])
    .where('destination.deleted_at', 'is', null)
    .execute();
  return rows.map(({ name }) => name);
}
