import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import { writeWhole } from '../../base/write-along.ts';
import { openChunkReader } from '../../repository/chunk-reader.ts';
import type { Manifest, ManifestArtifact } from '../../repository/manifest.ts';
import type { RetainedTable } from '../../sources/retained-table.ts';
import type { OperationContext } from '../context.ts';
import { archivePlan } from './open-table.ts';

/** One archive of rows of a table. */
export interface TableArchive {
  readonly backupId: string;
  readonly timestampMs: number;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly artifact: ManifestArtifact;
}

/** Newest first; those in soft delete only when asked for. */
export async function* archivesOf(
  { repository }: OperationContext,
  source: string,
  table: string,
): AsyncGenerator<TableArchive> {
  const plan = archivePlan(source, table);
  for await (const { manifest } of repository.manifests.readAll()) {
    if (manifest.plan === plan) yield archiveOf(manifest);
  }
}

/** Throws `item_unknown` for a backup that is no archive. */
export function archiveOf(manifest: Manifest): TableArchive {
  const [artifact] = manifest.artifacts;
  const facts = artifact?.facts.archive as { readonly rows?: unknown } | undefined;
  if (!artifact || typeof facts?.rows !== 'number') {
    throw new HoldfastError('item_unknown', `backup ${manifest.id} holds no archived rows`);
  }
  return {
    ...{ backupId: manifest.id, timestampMs: Date.parse(manifest.startedAt), rows: facts.rows },
    ...{ sizeBytes: artifact.sizeBytes, artifact },
  };
}

/**
 * Reads an archive back from the destination into a file, and checks every byte against its hash and its rows against their number.
 * Throws `restore_mismatch`, and what reading throws: then nothing may be deleted.
 */
export async function readBack(
  { repository, signal }: OperationContext,
  { artifact, rows }: TableArchive,
  table: Pick<RetainedTable, 'archivedRows'>,
  file: string,
): Promise<void> {
  const { storage, keys } = repository;
  // An index and a reader of its own: nothing that the writer still remembers answers for the destination.
  const chunks = openChunkReader({ storage, keys, index: await repository.loadIndex({ forReading: true }) });
  const hash = createHash('sha256');
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const bytes of chunks.read(artifact.content)) {
      if (signal.aborted) throw new HoldfastError('interrupted');
      hash.update(bytes);
      await writeWhole(handle, bytes);
    }
  } finally {
    await handle.close();
    chunks.close();
  }
  const found = hash.digest('hex');
  const facts = artifact.facts.sha256;
  if (found !== artifact.sha256 || (typeof facts === 'string' && facts !== found)) {
    throw new HoldfastError('restore_mismatch', `${artifact.name} does not read back as it was written`);
  }
  const held = await table.archivedRows(file);
  if (held === rows) return;
  throw new HoldfastError('restore_mismatch', `${artifact.name} holds ${held} rows instead of ${rows}`);
}
