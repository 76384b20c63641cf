import type { Selectable } from 'kysely';
import { iso, isoOrNull } from '../../contracts/api/common.ts';
import { HoldfastError } from '../../engine/index.ts';
import { listPage } from '../catalog/pages.ts';
import type { BackupsTable } from '../catalog/tables/backups.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { RequestProblem } from './problem.ts';

type Row = Selectable<BackupsTable>;

interface Artifact {
  readonly name: string;
  /** The source it is of; absent in what earlier versions wrote. */
  readonly source?: string;
  readonly kind: string;
  readonly sizeBytes: number;
}

export interface BackupListRequest {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly tenant_id?: string | undefined;
  readonly plan?: string | undefined;
  readonly archived: boolean;
}

/** Newest first, by the time a backup began. `visible`: see `visibleTenants`. */
export async function listBackups(
  db: CatalogDb,
  visible: readonly string[] | null,
  request: BackupListRequest,
) {
  const { limit, after, tenant_id, plan, archived } = request;
  let query = db
    .selectFrom('backups')
    .selectAll()
    .where('archived_at', archived ? 'is not' : 'is', null)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (after !== undefined) {
    const [atMs, id] = cursorOf(after);
    query = query.where((eb) => eb(eb.refTuple('started_at', 'id'), '<', eb.tuple(atMs, id)));
  }
  if (visible !== null) query = query.where('tenant_id', 'in', visible.length > 0 ? [...visible] : ['']);
  if (tenant_id !== undefined) query = query.where('tenant_id', '=', tenant_id);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  const rows = await query.execute();
  const page = listPage(rows, limit, (row) => `${row.started_at}.${row.id}`);
  return { items: page.items.map(backupPayload), next: page.next };
}

function cursorOf(text: string): [number, string] {
  const found = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(text);
  if (!found) throw new RequestProblem([{ field: 'after', message: 'is not what `next` gave' }]);
  return [Number(found[1]), found[2]!];
}

export function backupPayload(row: Row) {
  return {
    ...{ id: row.id, plan: row.plan, part: row.part, tenant_id: row.tenant_id, type: row.type },
    ...{ status: row.status, size_bytes: row.size_bytes, stored_bytes: row.stored_bytes, job_id: row.job_id },
    timestamp: iso(row.started_at),
    databases: databaseSizes(row),
    held: row.held === 1,
    archived_at: isoOrNull(row.archived_at),
  };
}

/** Bytes of each source that is a database. */
export function databaseSizes(row: Pick<Row, 'artifacts'>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, source = name, kind, sizeBytes } of artifactsOf(row)) {
    if (/^(sqlite|pg-)/.test(kind)) sizes[source] = (sizes[source] ?? 0) + sizeBytes;
  }
  return sizes;
}

function artifactsOf({ artifacts }: Pick<Row, 'artifacts'>): Artifact[] {
  return artifacts === null ? [] : (JSON.parse(artifacts) as Artifact[]);
}

/** Throws `id_unknown`. */
export async function requireBackup(db: CatalogDb, id: string): Promise<Row> {
  const row = await db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new HoldfastError('id_unknown', `no backup has the id ${id}`);
  return row;
}

export async function backupDetail(db: CatalogDb, id: string) {
  const row = await requireBackup(db, id);
  const copies = await db.selectFrom('backup_copies').selectAll().where('backup_id', '=', id).execute();
  const documents = await db
    .selectFrom('documents')
    .select(['id', 'name'])
    .where('kind', '=', 'destination')
    .execute();
  const names = new Map(documents.map((one) => [one.id, one.name]));
  return {
    ...backupPayload(row),
    artifacts: artifactsOf(row).map(({ name, kind, sizeBytes }) => ({ name, kind, size_bytes: sizeBytes })),
    copies: copies.map((copy) => ({
      destination: names.get(copy.destination_id) ?? copy.destination_id,
      ...{ state: copy.state, seen_at: iso(copy.seen_at), error: copy.error },
      verified_at: isoOrNull(copy.verified_at),
      verified_good: copy.verified_good === null ? null : copy.verified_good === 1,
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
