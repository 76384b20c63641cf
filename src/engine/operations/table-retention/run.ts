import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { requireWritable } from '../../repository/repository-context.ts';
import type { RetainedTable, RetentionCount } from '../../sources/retained-table.ts';
import { backupSources } from '../backup.ts';
import { type OperationContext, withScratchFolder } from '../context.ts';
import { archiveOf, archivesOf, readBack, type TableArchive } from './archives.ts';
import { archivePlan, openTable, type TableToRetain } from './open-table.ts';

export interface TableRetentionRequest extends TableToRetain {
  /** Whose the archives are. Default nobody's. */
  readonly tenantId?: string | null;
  /** At most so many rows in one archive. Default 500,000. */
  readonly archiveRows?: number;
  /** Where this machine remembers which archives are dealt with. */
  readonly stateFolder: string;
}

export interface TableRetentionPlan extends RetentionCount {
  readonly source: string;
  readonly table: string;
  readonly limits: readonly string[];
}

export interface TableRetentionOutcome {
  readonly source: string;
  readonly table: string;
  readonly limits: readonly string[];
  readonly archives: readonly { readonly backupId: string; readonly rows: number }[];
  readonly deleted: number;
  /** Archived rows that somebody changed before they were deleted: they stay, and the next run takes them. */
  readonly changed: number;
  /** True when a run before was interrupted behind its archive, and this one went on from there. */
  readonly resumed: boolean;
  readonly durationMs: number;
}

/** Steps that a test takes apart. */
export interface RetentionSteps {
  readonly check: typeof readBack;
}

const ARCHIVE_ROWS = 500_000;

/** What a run would archive and delete now. Changes nothing. */
export async function planTableRetention(
  context: OperationContext,
  request: TableToRetain,
): Promise<TableRetentionPlan> {
  return withTable(context, request, async (table) => {
    const { source, rule } = request;
    return { source: source.name, table: rule.table, limits: table.limits, ...(await table.count()) };
  });
}

/**
 * Archives the rows that are beyond the rule as backups of a plan of their own, reads each archive back from the destination, checks
 * it, and only then deletes the rows that are equal to what was read. Killed at any moment, the next run goes on. Throws
 * `restore_mismatch`, `source_busy`, what opening the table throws, and what a backup throws.
 */
export async function runTableRetention(
  context: OperationContext,
  request: TableRetentionRequest,
  steps: RetentionSteps = { check: readBack },
): Promise<TableRetentionOutcome> {
  const { clock, progress } = context;
  const { source, rule } = request;
  const startedMs = clock.nowMs();
  requireWritable(context.repository);
  return withTable(context, request, async (table) => {
    const archives: { backupId: string; rows: number }[] = [];
    let [deleted, changed] = [0, 0];
    const finish = async (archive: TableArchive) => {
      await withScratchFolder(context, async (folder) => {
        const file = join(folder, 'archive');
        progress.phase('check', { bytes: archive.sizeBytes });
        await steps.check(context, archive, table, file);
        progress.phase('delete', { entries: archive.rows });
        const removed = await table.removeArchived(file, (rows) => progress.advance({ entries: rows }));
        deleted += removed.deleted;
        changed += removed.changed;
      });
      await remember(request, context.repository.id, archive.backupId);
    };
    const open = await unfinished(context, request);
    if (open) await finish(open);
    // Rows that stay would be archived again and again.
    for (let isMore = changed === 0; isMore; ) {
      const archive = await exportSome(context, request, table);
      if (archive === null) break;
      archives.push({ backupId: archive.backupId, rows: archive.rows });
      const before = deleted;
      await finish(archive);
      isMore = changed === 0 && deleted > before;
    }
    return {
      ...{ source: source.name, table: rule.table, limits: table.limits, archives, deleted, changed },
      ...{ resumed: open !== null, durationMs: clock.nowMs() - startedMs },
    };
  });
}

async function withTable<T>(
  context: OperationContext,
  request: TableToRetain,
  work: (table: RetainedTable) => Promise<T>,
): Promise<T> {
  return withScratchFolder(context, async (scratchFolder) => {
    const { clock, signal } = context;
    const table = await openTable(request, { nowMs: clock.nowMs(), scratchFolder, signal });
    try {
      return await work(table);
    } finally {
      await table.close();
    }
  });
}

async function exportSome(
  context: OperationContext,
  { source, rule, tenantId = null, archiveRows = ARCHIVE_ROWS }: TableRetentionRequest,
  table: RetainedTable,
): Promise<TableArchive | null> {
  return withScratchFolder(context, async (folder) => {
    context.progress.phase('archive', {});
    const rows = await table.exportRows(archiveRows, folder);
    if (rows === null) return null;
    const plan = archivePlan(source.name, rule.table);
    const made = await backupSources(context, { plan, tenantId, type: 'db' }, [rows]);
    if (made.status !== 'succeeded') {
      throw new HoldfastError('source_incomplete', `the archive of ${rule.table} is not complete`);
    }
    const { manifest } = await context.repository.manifests.resolve(made.backupId);
    return archiveOf(manifest);
  });
}

/** The newest archive, unless this machine knows that its rows were deleted. Doing it twice does no harm. */
async function unfinished(
  context: OperationContext,
  request: TableRetentionRequest,
): Promise<TableArchive | null> {
  const { source, rule } = request;
  for await (const archive of archivesOf(context, source.name, rule.table)) {
    const known = await readFile(markFile(request, context.repository.id), 'utf8').catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    });
    return known === archive.backupId ? null : archive;
  }
  return null;
}

function markFile({ stateFolder, source, rule }: TableRetentionRequest, repositoryId: string): string {
  const mark = createHash('sha256').update(archivePlan(source.name, rule.table)).digest('hex').slice(0, 32);
  return join(stateFolder, 'table-retention', `${repositoryId}.${mark}`);
}

/** Torn, lost or old, it only makes the next run look at the archive once more. */
async function remember(
  request: TableRetentionRequest,
  repositoryId: string,
  backupId: string,
): Promise<void> {
  await mkdir(join(request.stateFolder, 'table-retention'), { recursive: true, mode: 0o700 });
  await writeFile(markFile(request, repositoryId), backupId, { mode: 0o600 });
}
