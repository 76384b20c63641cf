/** One file tree of a backup, read as a stream. */
import { HoldfastError } from '../base/errors.ts';
import { type ChunkReader, openChunkReader } from '../repository/chunk-reader.ts';
import type { Manifest, ManifestArtifact } from '../repository/manifest.ts';
import { decodeTreeBatches } from '../repository/tree-codec.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { OperationContext } from './context.ts';

/** Runs `work` with a reader of the repository's content. */
export async function withReader<T>(
  { repository }: OperationContext,
  work: (reader: ChunkReader) => Promise<T>,
): Promise<T> {
  const { storage, keys } = repository;
  const reader = openChunkReader({ storage, keys, index: await repository.loadIndex({ forReading: true }) });
  try {
    return await work(reader);
  } finally {
    reader.close();
  }
}

/** Throws `item_unknown`. */
export function artifactNamed({ id, artifacts }: Manifest, name: string): ManifestArtifact {
  const found = artifacts.find((artifact) => artifact.name === name);
  if (found) return found;
  const names = artifacts.map((artifact) => artifact.name).join(', ');
  throw new HoldfastError('item_unknown', `backup ${id} holds no ${name}`, { next: `it holds: ${names}` });
}

/** Throws `item_unknown` for what is no tree. */
export function requireTree(artifact: ManifestArtifact): ManifestArtifact {
  if (artifact.form === 'tree') return artifact;
  throw new HoldfastError('item_unknown', `${artifact.name} is not a file tree`, {
    next: 'see what the backup holds',
  });
}

/** Entries in tree order, in batches; ends with the signal. */
export async function* treeBatches(
  reader: ChunkReader,
  { content }: ManifestArtifact,
  signal: AbortSignal,
): AsyncGenerator<readonly TreeEntry[]> {
  for await (const batch of decodeTreeBatches(reader.read(content))) {
    signal.throwIfAborted();
    yield batch;
  }
}
