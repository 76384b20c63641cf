import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Progress } from '../base/progress.ts';
import { writeWhole } from '../base/write-along.ts';
import type { StreamArtifact } from '../sources/port.ts';
import { withScratchFolder } from './context.ts';
import { type SourceSpec, sourceOf } from './source-spec.ts';

export interface DumpTablesRequest {
  readonly source: SourceSpec;
  readonly tables: readonly string[];
  /** Absolute; made 0700 when missing. */
  readonly folder: string;
  /** Where a copy of an SQLite database is made. */
  readonly scratchRoot: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface DumpedTables {
  readonly outDir: string;
  /** Rows by table, as it was named. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Writes tables of one moment as NDJSON, a file each, 0600. A file appears whole or not at all. Throws `usage` for a source that is
 * no database, `target_not_empty` for a file that is there, `target_failed`, and what the source throws.
 */
export async function dumpTables(request: DumpTablesRequest): Promise<DumpedTables> {
  const { source, tables, folder, progress, signal } = request;
  if (source.kind !== 'postgres' && source.kind !== 'sqlite') {
    throw new HoldfastError('usage', `${source.name} is no database: it has no tables`);
  }
  const counts: Record<string, number> = {};
  const only = sourceOf({ ...source, tables, extracts: [], extrasOnly: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await withScratchFolder(request, async (scratchFolder) => {
    const session = await only.open({ progress, signal, scratchFolder });
    try {
      for (const [i, artifact] of session.artifacts.entries()) {
        signal.throwIfAborted();
        progress.phase(tables[i]!, {});
        counts[tables[i]!] = await writeTable(folder, artifact as StreamArtifact);
      }
    } finally {
      await session.close();
    }
  });
  return { outDir: folder, counts };
}

async function writeTable(folder: string, { name, produce }: StreamArtifact): Promise<number> {
  const target = join(folder, basename(name));
  const temporary = join(folder, `.${newId()}.part`);
  const taken = await open(target, 'r').catch(() => null);
  if (taken) {
    await taken.close();
    throw new HoldfastError('target_not_empty', `${target} is there already`, {
      next: 'name another folder',
    });
  }
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      const facts = await produce({ write: (bytes) => writeWhole(handle, bytes), cut() {} });
      await handle.sync();
      await rename(temporary, target);
      return Number(facts.rows);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    const code = systemCode(error);
    if (error instanceof HoldfastError || code === null) throw error;
    throw new HoldfastError('target_failed', `${target} could not be written: ${code}`, { cause: error });
  }
}
