/**
 * The catalog is a cache: what destinations hold can be read again. Documents (plans, sources, destinations) come from
 * `holdfast.yaml`; then this brings every backup back, every drill with its evidence, and with it the history that matters.
 */
import { asHoldfastError, codeOf, type Engine, openEngine, silentProgress } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { splitPlan } from './plan-config.ts';
import { artifactsText, recordBackup, recordCopy, refuseOther, settleArchived } from './record-backups.ts';
import { recordProven } from './record-drill.ts';
import { type RunConfig, type RunnerParts, runConfig } from './runner-parts.ts';

export interface RebuildRequest {
  readonly signal: AbortSignal;
  /** Stored destinations by name; default all. */
  readonly destinations?: readonly string[];
}

export interface RebuiltDestination {
  readonly destination: string;
  readonly backups: number;
  readonly archived: number;
  /** Copies that the catalog had and the destination does not. */
  readonly gone: number;
  /** Why it could not be read; null when it was. Then nothing known of it was changed. */
  readonly failure: string | null;
}

type Listed = Awaited<ReturnType<Engine['list']>>[number];

/** Makes backups and their copies in the catalog what the destinations hold. Idempotent; runs beside everything else. */
export async function rebuildCatalog(
  parts: Pick<RunnerParts, 'catalog' | 'workplace'>,
  { signal, destinations }: RebuildRequest,
): Promise<RebuiltDestination[]> {
  const run = await runConfig(parts);
  const rebuilt: RebuiltDestination[] = [];
  for (const name of destinations ?? Object.keys(run.config.destinations)) {
    signal.throwIfAborted();
    rebuilt.push(
      await rebuildOne(parts, run, name, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        const failure = error instanceof Error ? error.message : String(error);
        return { destination: name, backups: 0, archived: 0, gone: 0, failure };
      }),
    );
  }
  return rebuilt;
}

async function rebuildOne(
  { catalog, workplace }: Pick<RunnerParts, 'catalog' | 'workplace'>,
  run: RunConfig,
  name: string,
  signal: AbortSignal,
): Promise<RebuiltDestination> {
  const spec = await workplace.destination(run.config, name);
  const destinationId = run.destinationIds.get(name) ?? name;
  const engine = await openEngine({ ...(await spec.options()), progress: silentProgress, signal });
  try {
    const beganAtMs = catalog.clock.nowMs();
    const all = { plan: null, tenantId: null };
    const present = await engine.list({ ...all, archived: false });
    const archived = await engine.list({ ...all, archived: true });
    for (const [state, listed] of [
      ['present', present],
      ['archived', archived],
    ] as const) {
      for (const backup of listed) {
        signal.throwIfAborted();
        const conflict = await conflictOf(catalog.db, engine, backup, destinationId);
        if (conflict !== null) {
          await catalog.transaction((trx) =>
            recordCopy(trx, {
              ...{ backup_id: backup.id, destination_id: destinationId, state: 'failed' },
              ...{ seen_at: beganAtMs, error: conflict },
            }),
          );
          continue;
        }
        const artifacts = await artifactsOf(catalog.db, engine, backup);
        await catalog.transaction((trx) =>
          recordListed(trx, run, backup, { artifacts, destinationId, state, seenAtMs: beganAtMs }),
        );
      }
    }
    for (const evidence of await engine.listEvidence()) {
      await catalog.transaction((trx) => recordProven(trx, evidence, run.planIds, engine.address));
    }
    const seen = new Set([...present, ...archived].map(({ id }) => id));
    const gone = await catalog.transaction((trx) => forgetUnseen(trx, destinationId, seen, beganAtMs));
    return { destination: name, backups: present.length, archived: archived.length, gone, failure: null };
  } finally {
    await engine.close();
  }
}

/** Why what a destination holds under an id is no copy of the backup known by it; its parts are compared once. Null when it is one. */
async function conflictOf(
  db: CatalogDb,
  engine: Engine,
  { id, type, sizeBytes }: Listed,
  destinationId: string,
): Promise<string | null> {
  const known = await db
    .selectFrom('backups')
    .leftJoin('backup_copies as copy', (join) =>
      join.onRef('copy.backup_id', '=', 'backups.id').on('copy.destination_id', '=', destinationId),
    )
    .select(['backups.type', 'backups.size_bytes', 'copy.state'])
    .where('backups.id', '=', id)
    .executeTakeFirst();
  if (!known) return null;
  const isCompared = known.state === 'present' || known.state === 'archived';
  if (isCompared && known.type === type && known.size_bytes === sizeBytes) return null;
  try {
    await refuseOther(db, id, await engine.show(id));
    return null;
  } catch (error) {
    if (codeOf(error) !== 'backup_conflict') throw error;
    return asHoldfastError(error).message;
  }
}

/** The sizes of a backup's parts stand in its manifest; those that are known are not read again. */
async function artifactsOf(db: CatalogDb, engine: Engine, { id }: Listed): Promise<string> {
  const known = await db.selectFrom('backups').select('artifacts').where('id', '=', id).executeTakeFirst();
  if (known?.artifacts) return known.artifacts;
  return artifactsText((await engine.show(id)).artifacts);
}

async function recordListed(
  trx: CatalogDb,
  run: RunConfig,
  backup: Listed,
  at: { artifacts: string; destinationId: string; state: 'present' | 'archived'; seenAtMs: number },
): Promise<void> {
  const { plan, part } = splitPlan(backup.plan);
  await recordBackup(trx, {
    id: backup.id,
    plan,
    part,
    plan_id: plan === null ? null : (run.planIds.get(plan) ?? null),
    tenant_id: backup.tenantId,
    type: backup.type,
    status: backup.status,
    started_at: backup.timestampMs,
    size_bytes: backup.sizeBytes,
    artifacts: at.artifacts,
    held: backup.held ? 1 : 0,
  });
  await recordCopy(trx, {
    backup_id: backup.id,
    destination_id: at.destinationId,
    state: at.state,
    seen_at: at.seenAtMs,
    error: null,
  });
  await settleArchived(trx, [backup.id], at.seenAtMs);
}

/** A copy that came while the list was read is not gone. */
async function forgetUnseen(
  trx: CatalogDb,
  destinationId: string,
  seen: ReadonlySet<string>,
  beganAtMs: number,
): Promise<number> {
  const copies = await trx
    .selectFrom('backup_copies')
    .select('backup_id')
    .where('destination_id', '=', destinationId)
    .where('state', 'in', ['present', 'archived'])
    .where('seen_at', '<', beganAtMs)
    .execute();
  const gone = copies.map(({ backup_id }) => backup_id).filter((id) => !seen.has(id));
  for (const id of gone) {
    await trx
      .deleteFrom('backup_copies')
      .where('backup_id', '=', id)
      .where('destination_id', '=', destinationId)
      .execute();
    const left = await trx
      .selectFrom('backup_copies')
      .select('state')
      .where('backup_id', '=', id)
      .executeTakeFirst();
    if (!left) await trx.deleteFrom('backups').where('id', '=', id).execute();
  }
  return gone.length;
}
