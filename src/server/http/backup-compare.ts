/** What a backup has that another has not. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { compareQuery } from '../../contracts/api/backup-content.ts';
import { iso } from '../../contracts/api/common.ts';
import { HoldfastError } from '../../engine/index.ts';
import { isAllowed } from '../access/identity.ts';
import { type TableFact, tablesOf } from '../history/table-facts.ts';
import type { BackupDetails } from './backup-content.ts';
import { requireBackup } from './backup-list.ts';
import { identityOf, type ServerContext } from './context.ts';
import { atNearest } from './copies.ts';

type Asked = z.output<typeof compareQuery>;

/** Throws `id_unknown`, `not_permitted` for the backup of somebody else, `item_unknown`. */
export async function compared(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  asked: Asked,
) {
  const withId = asked.with === undefined ? await previousOf(context, id) : asked.with;
  if (withId !== null) await requireReadable(context, request, withId);
  const read = (one: string) =>
    atNearest(context, reply, one, ({ engine, backupId }) => engine.show(backupId));
  const now = await read(id);
  const before = withId === null ? null : await read(withId);
  return {
    backup: sideOf(now),
    with: before && sideOf(before),
    artifacts: changesOf(before?.artifacts ?? [], now.artifacts),
    tree: withId === null ? null : await treeChanges(context, reply, id, withId, asked),
  };
}

/** Somebody of one tenant learns nothing about others, not even what exists. */
async function requireReadable(
  { catalog }: ServerContext,
  request: FastifyRequest,
  id: string,
): Promise<void> {
  const identity = identityOf(request);
  const denied = new HoldfastError('not_permitted', 'this needs the permission backups:read');
  const other = await requireBackup(catalog.db, id).catch((error: unknown) => {
    throw isAllowed(identity, 'backups:read', null) ? error : denied;
  });
  if (!isAllowed(identity, 'backups:read', other.tenant_id)) throw denied;
}

/** The one before of the same plan; null for the first. */
async function previousOf({ catalog }: ServerContext, id: string): Promise<string | null> {
  const { plan, part, tenant_id, started_at } = await requireBackup(catalog.db, id);
  const found = await catalog.db
    .selectFrom('backups')
    .select('id')
    .where('plan', plan === null ? 'is' : '=', plan)
    .where('part', part === null ? 'is' : '=', part)
    .where('tenant_id', tenant_id === null ? 'is' : '=', tenant_id)
    .where((eb) => eb(eb.refTuple('started_at', 'id'), '<', eb.tuple(started_at, id)))
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return found?.id ?? null;
}

const sideOf = ({ id, timestampMs, sizeBytes }: BackupDetails) => ({
  ...{ id, timestamp: iso(timestampMs), size_bytes: sizeBytes },
});

type Artifact = BackupDetails['artifacts'][number];

function changesOf(before: readonly Artifact[], now: readonly Artifact[]) {
  const names = [...new Set([...now, ...before].map(({ name }) => name))];
  return names.map((name) => {
    const old = before.find((one) => one.name === name) ?? null;
    const artifact = now.find((one) => one.name === name) ?? null;
    const tables = tableChanges(old ? tablesOf(old) : [], artifact ? tablesOf(artifact) : []);
    return {
      ...{
        name,
        kind: (artifact ?? old)!.kind,
        change: changeOf(old, artifact, (a, b) => a.sha256 === b.sha256),
      },
      ...{ size_bytes: artifact?.sizeBytes ?? null, size_bytes_before: old?.sizeBytes ?? null },
      tables: tables.filter(({ change }) => change !== 'unchanged'),
      tables_unchanged: tables.filter(({ change }) => change === 'unchanged').length,
    };
  });
}

function tableChanges(before: readonly TableFact[], now: readonly TableFact[]) {
  const [old, present] = [byName(before), byName(now)];
  return [...new Set([...present.keys(), ...old.keys()])].map((name) => {
    const [was, is] = [old.get(name) ?? null, present.get(name) ?? null];
    // Where rows were hashed, the same number of other rows is a change, too.
    const change = changeOf(
      was,
      is,
      (a, b) => a.rows === b.rows && (a.sha256 === null || a.sha256 === b.sha256),
    );
    return { name, change, rows: is?.rows ?? null, rows_before: was?.rows ?? null };
  });
}

const byName = (tables: readonly TableFact[]) => new Map(tables.map((table) => [table.name, table]));

function changeOf<T>(before: T | null, now: T | null, isSame: (a: T, b: T) => boolean) {
  if (before === null) return 'added' as const;
  if (now === null) return 'removed' as const;
  return isSame(before, now) ? ('unchanged' as const) : ('changed' as const);
}

async function treeChanges(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  withId: string,
  { artifact, limit, cursor }: Asked,
) {
  if (artifact === undefined) return null;
  const found = await atNearest(context, reply, id, ({ engine, backupId }) =>
    engine.compareBackups({ backupId, withId, artifact, limit, after: cursor ?? null }),
  );
  return {
    ...{ artifact, counts: { ...found.counts }, next: found.next },
    ...{ bytes_added: found.bytesAdded, bytes_removed: found.bytesRemoved },
    items: found.paths.map(({ path, type, change, sizeBytes, sizeBytesBefore }) => ({
      ...{ path, type, change, size_bytes: sizeBytes, size_bytes_before: sizeBytesBefore },
    })),
  };
}
