/** What a backup holds, read from the nearest copy. */
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { treeQuery } from '../../contracts/api/backup-content.ts';
import { iso } from '../../contracts/api/common.ts';
import { asHoldfastError, type Engine } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { tablesOf } from '../history/table-facts.ts';
import { backupDetail } from './backup-list.ts';
import type { ServerContext } from './context.ts';
import { atNearest, type NearCopy } from './copies.ts';
import { redact } from './redact.ts';

export type BackupDetails = Awaited<ReturnType<Engine['show']>>;

/** A page waits for it: what the catalog knows is better than nothing for minutes. */
const PATIENCE_MS = 15_000;

/** The catalog's word, with that of the manifest where a copy can be read. Throws `id_unknown`. */
export async function backupContent(context: ServerContext, reply: FastifyReply, id: string) {
  const known = await backupDetail(context.catalog.db, id);
  const proof = await proofOf(context.catalog.db, id);
  try {
    const look = async ({ engine, backupId, destination }: NearCopy) => ({
      destination,
      details: await engine.show(backupId),
      holds: (await engine.listHolds()).filter((hold) => hold.backupId === backupId),
    });
    const read = await atNearest(context, reply, id, look, PATIENCE_MS);
    const { details, holds } = read;
    return {
      ...known,
      ...{ content_from: read.destination, content_error: null, proof },
      artifacts: details.artifacts.map(artifactPayload),
      ...{ host: details.host, program: details.program, finished_at: iso(details.finishedAtMs) },
      problems: details.problems.map(({ artifact, path, cause, message }) => ({
        ...{ artifact, path, cause, message: redact(message) },
      })),
      holds: holds.map(({ reason, createdAt }) => ({ reason, created_at: createdAt })),
    };
  } catch (error) {
    const { code, message, next } = asHoldfastError(error);
    if (code === 'internal') throw error;
    const unread = { source: null, form: null, sha256: null, tables: [], facts: null };
    return {
      ...known,
      ...{ content_from: null, content_error: { code, message: redact(message), next }, proof },
      artifacts: known.artifacts.map((artifact) => ({ ...artifact, ...unread })),
      ...{ host: null, program: null, finished_at: null, problems: [], holds: [] },
    };
  }
}

function artifactPayload(artifact: BackupDetails['artifacts'][number]) {
  const { name, source, kind, form, sizeBytes, sha256 } = artifact;
  const { tables: _, ...facts } = artifact.facts;
  const tables = tablesOf(artifact).map(({ name: table, rows }) => ({ name: table, rows }));
  return { name, source, kind, form, sha256, size_bytes: sizeBytes, tables, facts };
}

async function proofOf(db: CatalogDb, id: string) {
  const drills = await db
    .selectFrom('drills')
    .select(['id', 'result', 'started_at'])
    .where('backup_id', '=', id)
    .where('trial', '=', 0)
    .orderBy('started_at', 'desc')
    .limit(20)
    .execute();
  const proven = drills.find(({ result }) => result === 'green');
  return {
    proven_at: proven ? iso(proven.started_at) : null,
    drills: drills.map((drill) => ({
      ...{ id: drill.id, result: drill.result, started_at: iso(drill.started_at) },
    })),
  };
}

/** One page of a folder, or of what a search finds below it. Throws `item_unknown`, `id_unknown`. */
export async function treeOf(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  { artifact, path, search, limit, cursor }: z.output<typeof treeQuery>,
) {
  const { entries, next } = await atNearest(context, reply, id, ({ engine, backupId }) =>
    engine.treePage({ backupId, artifact, path, limit, search: search ?? null, after: cursor ?? null }),
  );
  return {
    ...{ artifact, path, next },
    items: entries.map((entry) => ({
      ...{ path: entry.path, name: entry.name, type: entry.type, size_bytes: entry.sizeBytes },
      mode: entry.mode.toString(8).padStart(4, '0'),
      modified_at: timeOf(entry.modifiedAtMs),
      link_target: entry.linkTarget,
    })),
  };
}

/** A file may bear any time; what no date can say is the end of them. */
function timeOf(ms: number): string {
  const [first, last] = [Date.parse('0000-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59Z')];
  return iso(Math.min(Math.max(ms, first), last));
}
