import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { type OperationContext, withScratchFolder } from '../context.ts';
import type { SourceSpec } from '../source-spec.ts';
import { archivesOf, readBack, type TableArchive } from './archives.ts';
import { openTable } from './open-table.ts';

export interface ListArchivesRequest {
  /** Name of the source whose table it was. */
  readonly source: string;
  readonly table: string;
}

export interface ListedArchive {
  readonly backupId: string;
  readonly timestampMs: number;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly artifact: string;
}

export interface RestoreArchiveRequest {
  readonly source: string;
  readonly table: string;
  /** The database, with the table in it. */
  readonly target: SourceSpec;
  /** Only this archive; null for all of them. */
  readonly backupId: string | null;
}

export interface RestoredArchive {
  readonly table: string;
  readonly archives: number;
  readonly inserted: number;
  readonly present: number;
  readonly different: number;
  readonly durationMs: number;
}

/** The archives of a table, newest first. */
export async function listTableArchives(
  context: OperationContext,
  { source, table }: ListArchivesRequest,
): Promise<ListedArchive[]> {
  const found: ListedArchive[] = [];
  for await (const { backupId, timestampMs, rows, sizeBytes, artifact } of archivesOf(
    context,
    source,
    table,
  )) {
    found.push({ backupId, timestampMs, rows, sizeBytes, artifact: artifact.name });
  }
  return found;
}

/**
 * Puts archived rows back into a table that is there, in small batches. A row that is there is never changed: of several archives of
 * one row the newest counts. Throws `item_unknown` without archives, and what reading and opening the table throw.
 */
export async function restoreTableArchive(
  context: OperationContext,
  request: RestoreArchiveRequest,
): Promise<RestoredArchive> {
  const { clock, signal, progress } = context;
  const startedMs = clock.nowMs();
  const chosen: TableArchive[] = [];
  for await (const archive of archivesOf(context, request.source, request.table)) {
    if (request.backupId === null || archive.backupId.startsWith(request.backupId)) chosen.push(archive);
  }
  if (chosen.length === 0) {
    throw new HoldfastError('item_unknown', `there is no archive of ${request.table} of ${request.source}`);
  }
  const sum = { inserted: 0, present: 0, different: 0 };
  const { column } = chosen[0]!.artifact.facts.archive as { readonly column: string };
  // Nothing is deleted here: the rule names the table alone.
  const rule = { table: request.table, column, unit: 'value', maxAgeDays: null, maxRows: null } as const;
  await withScratchFolder(context, async (scratchFolder) => {
    const table = await openTable(
      { source: request.target, rule },
      { nowMs: startedMs, scratchFolder, signal },
    );
    try {
      for (const [number, archive] of chosen.entries()) {
        const file = join(scratchFolder, `archive-${number}`);
        progress.phase('restore', { entries: archive.rows });
        await readBack(context, archive, table, file);
        const { inserted, present, different } = await table.insertArchived(file, (rows) =>
          progress.advance({ entries: rows }),
        );
        sum.inserted += inserted;
        sum.present += present;
        sum.different += different;
      }
    } finally {
      await table.close();
    }
  });
  return { table: request.table, archives: chosen.length, ...sum, durationMs: clock.nowMs() - startedMs };
}
