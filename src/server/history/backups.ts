/** What destinations hold, as the catalog knows it: lists by pages that cost the same wherever they begin. */
import type { Selectable } from 'kysely';
import { listPage } from '../catalog/pages.ts';
import type { BackupCopiesTable, BackupsTable } from '../catalog/tables/backups.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { tenantsShown, type Visibility } from './visible.ts';

export interface BackupEntry {
  readonly id: string;
  readonly plan: string | null;
  readonly planId: string | null;
  /** The database with its own hour; null for the plan itself. */
  readonly part: string | null;
  readonly tenantId: string | null;
  readonly type: 'db' | 'storage' | 'full';
  readonly status: BackupsTable['status'];
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly sizeBytes: number;
  /** New bytes at the destination; null when not known. */
  readonly storedBytes: number | null;
  readonly artifacts: readonly {
    readonly name: string;
    /** The source it is of; absent in what earlier versions wrote. */
    readonly source?: string;
    readonly kind: string;
    readonly sizeBytes: number;
  }[];
  readonly held: boolean;
  readonly archivedAtMs: number | null;
  readonly jobId: string | null;
  /** Of the key that sealed it; null for a passphrase, and where it is not known. */
  readonly keyId: string | null;
}

/** What is known about a backup beside itself. */
export interface BackupStanding {
  /** At how many destinations it lies, and at how many it should. */
  readonly copies: number;
  readonly copiesWanted: number;
  /** What the last drill of it found; null when it was never drilled. */
  readonly lastDrill: 'green' | 'red' | null;
  /** `none` where a destination that holds it takes bundles without encryption. */
  readonly encryption: 'aes-256-gcm' | 'none';
}

export interface BackupWithCopies extends BackupEntry {
  readonly copies: readonly BackupCopy[];
}

export interface BackupCopy {
  /** Id of the stored destination. */
  readonly destinationId: string;
  readonly state: BackupCopiesTable['state'];
  readonly seenAtMs: number;
  readonly verifiedAtMs: number | null;
  /** Null before the first verify. */
  readonly verifiedGood: boolean | null;
  readonly error: string | null;
}

export interface BackupFilter extends Visibility {
  /** Null is global; absent is all. */
  readonly tenantId?: string | null | undefined;
  readonly plan?: string | undefined;
  /** Those in the archive instead. Default false. */
  readonly archived?: boolean;
}

export interface HistoryPage {
  /** From 1 to 200. */
  readonly limit: number;
  /** `next` of the page before; null for the first. One that is not ours begins at the newest. */
  readonly after: string | null;
}

/** Newest first. */
export async function listBackups(
  db: CatalogDb,
  { visible, tenantId, plan, archived = false }: BackupFilter,
  { limit, after }: HistoryPage,
): Promise<{ readonly items: readonly BackupEntry[]; readonly next: string | null }> {
  let query = db
    .selectFrom('backups')
    .selectAll()
    .where('archived_at', archived ? 'is not' : 'is', null)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (tenantId === null) query = query.where('tenant_id', 'is', null);
  else if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  const tenants = tenantsShown({ visible });
  if (tenants) query = query.where('tenant_id', 'in', tenants);
  const from = cursorOf(after);
  if (from) {
    query = query.where((eb) => eb(eb.refTuple('started_at', 'id'), '<', eb.tuple(from.startedAt, from.id)));
  }
  const rows = await query.execute();
  const page = listPage(rows, limit, ({ started_at, id }) => `${started_at}.${id}`);
  return { items: page.items.map(entryOf), next: page.next };
}

/** Of some backups, by their ids. Trials prove nothing. */
export async function standingOf(
  db: CatalogDb,
  ids: readonly string[],
): Promise<(id: string) => BackupStanding> {
  if (ids.length === 0) return () => NO_STANDING;
  const copies = await db
    .selectFrom('backup_copies')
    .select(['backup_id', 'state', 'destination_id'])
    .where('backup_id', 'in', ids)
    .execute();
  const drills = await db
    .selectFrom('drills')
    .select(['backup_id', 'result'])
    .where('backup_id', 'in', ids)
    .where('trial', '=', 0)
    .orderBy('started_at')
    .execute();
  const plain = await plainDestinations(db);
  const results = new Map(drills.map(({ backup_id, result }) => [backup_id, result]));
  const byBackup = Map.groupBy(copies, ({ backup_id }) => backup_id);
  return (id) => {
    const all = byBackup.get(id) ?? [];
    const there = all.filter(({ state }) => state === 'present' || state === 'archived');
    const isPlain = there.some(({ destination_id }) => plain.has(destination_id));
    return {
      ...{ copies: there.length, copiesWanted: all.length, lastDrill: results.get(id) ?? null },
      encryption: isPlain ? 'none' : 'aes-256-gcm',
    };
  };
}

const NO_STANDING: BackupStanding = {
  ...{ copies: 0, copiesWanted: 0, lastDrill: null },
  encryption: 'aes-256-gcm',
};

/** Ids of destinations that take bundles without encryption. */
async function plainDestinations(db: CatalogDb): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('documents')
    .select(['id', 'body'])
    .where('kind', '=', 'destination')
    .where('deleted_at', 'is', null)
    .execute();
  const isPlain = ({ body }: { readonly body: string }) =>
    (JSON.parse(body) as { readonly encryption?: string }).encryption === 'none';
  return new Set(rows.filter(isPlain).map(({ id }) => id));
}

/** Null when the catalog knows none. */
export async function getBackup(db: CatalogDb, id: string): Promise<BackupWithCopies | null> {
  const row = await db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return null;
  const copies = await db.selectFrom('backup_copies').selectAll().where('backup_id', '=', id).execute();
  return { ...entryOf(row), copies: copies.map(copyOf) };
}

/** Whether a text is a `next` of `listBackups`. */
export const isBackupCursor = (text: string) => cursorOf(text) !== null;

function cursorOf(text: string | null): { readonly startedAt: number; readonly id: string } | null {
  const parts = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(text ?? '');
  return parts ? { startedAt: Number(parts[1]), id: parts[2]! } : null;
}

function entryOf(row: Selectable<BackupsTable>): BackupEntry {
  return {
    id: row.id,
    plan: row.plan,
    planId: row.plan_id,
    part: row.part,
    tenantId: row.tenant_id,
    type: row.type,
    status: row.status,
    startedAtMs: row.started_at,
    finishedAtMs: row.finished_at,
    sizeBytes: row.size_bytes,
    storedBytes: row.stored_bytes,
    artifacts: row.artifacts === null ? [] : JSON.parse(row.artifacts),
    held: row.held === 1,
    archivedAtMs: row.archived_at,
    jobId: row.job_id,
    keyId: row.key_id,
  };
}

function copyOf(copy: Selectable<BackupCopiesTable>): BackupCopy {
  return {
    destinationId: copy.destination_id,
    state: copy.state,
    seenAtMs: copy.seen_at,
    verifiedAtMs: copy.verified_at,
    verifiedGood: copy.verified_good === null ? null : copy.verified_good === 1,
    error: copy.error,
  };
}
