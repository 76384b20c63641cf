import { createReadStream } from 'node:fs';
import { codeOf, HoldfastError, systemCode } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { PlacedItem } from '../bundle/artifact-check.ts';
import { type BundleReading, readBundle } from '../bundle/bundle-reader.ts';
import { extractBundle } from '../bundle/extract-bundle.ts';
import type { Credential } from '../crypto/key-text.ts';
import { type ChunkWriter, openChunkWriter } from '../repository/chunk-writer.ts';
import { startRunTimer } from '../repository/commit-check.ts';
import { decodeManifest, type Manifest, type ManifestArtifact } from '../repository/manifest.ts';
import { requireWritable } from '../repository/repository-context.ts';
import { openTreeWriter, type TreeWriter } from '../repository/tree-writer.ts';
import type { TreeEntry } from '../sources/port.ts';
import { refuseConflict } from './backup-conflict.ts';
import type { PlaceEncryption } from './bundle-store.ts';
import type { OperationContext } from './context.ts';
import { type BackupDetails, detailsOf } from './list.ts';

/**
 * Takes a bundle into the repository under its own backup id, signed anew by this host. The bundle is checked to its last byte
 * before anything is committed. Throws what `readBundle` throws, `object_exists` when the repository has the backup, and
 * `backup_conflict` when it has another one of the same id.
 */
export async function importBundle(
  context: OperationContext,
  request: {
    /** A file's path, or the bytes of a bundle. */
    readonly file: string | AsyncIterable<Uint8Array>;
    readonly credentials: readonly Credential[];
    /** See `BundleReadInput`. */
    readonly acceptsUnencrypted?: boolean;
    /** Asked with what the bundle says of itself, before anything is stored; what it throws ends the import. */
    readonly accept?: (found: BackupDetails) => Promise<void>;
  },
): Promise<{ backupId: string; sizeBytes: number }> {
  const { repository, progress, signal, clock } = context;
  requireWritable(repository);
  const timer = startRunTimer(clock);
  const reading = await readBundle({
    source: typeof request.file === 'string' ? bytesOf(request.file) : request.file,
    credentials: request.credentials,
    acceptsUnencrypted: request.acceptsUnencrypted ?? false,
    signal,
  });
  const index = await repository.loadIndex();
  const { storage, keys } = repository;
  const writer = openChunkWriter({ storage, keys, index, progress, signal });
  try {
    const draft = draftOf(reading);
    await refuseKnown(context, draft);
    await request.accept?.(detailsOf(draft, new Set()));
    progress.phase('import', { bytes: draft.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
    const artifacts = await storeItems(writer, reading, draft, progress);
    await writer.finish();
    const { version: _, repositoryId: __, ...rest } = draft;
    await repository.manifests.commit({ ...rest, previous: null, artifacts }, writer.packsUsed(), { timer });
    return { backupId: draft.id, sizeBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    await reading.close();
  }
}

function draftOf(reading: BundleReading): Manifest {
  const manifest = decodeManifest(reading.manifestJson);
  if (manifest) return manifest;
  throw new HoldfastError('bundle_malformed', 'the manifest of the bundle is not one this program reads');
}

async function refuseKnown({ repository }: OperationContext, draft: Manifest): Promise<void> {
  const { id } = draft;
  const known = await repository.manifests.resolve(id, ['backups', 'archived']).catch((error: unknown) => {
    if (codeOf(error) === 'id_unknown') return null;
    throw error;
  });
  if (!known) return;
  refuseConflict(id, known.manifest, draft);
  throw new HoldfastError('object_exists', `backup ${id} is in the repository already`);
}

async function storeItems(
  writer: ChunkWriter,
  reading: BundleReading,
  manifest: Manifest,
  progress: Progress,
): Promise<ManifestArtifact[]> {
  const stored = new Map<string, ManifestArtifact>();
  let tree: { name: string; writer: TreeWriter } | null = null;
  for await (const item of reading.items) {
    const artifact = manifest.artifacts.find(({ name }) => name === item.artifact.name)!;
    if (item.role === 'stream')
      stored.set(artifact.name, await storeStream(writer, artifact, item, progress));
    else if (item.role === 'entry') {
      tree ??= { name: artifact.name, writer: openTreeWriter(writer, { canReuse: () => false }) };
      await storeEntry(tree.writer, artifact.name, item, progress);
    } else {
      const written = await (tree?.writer ?? openTreeWriter(writer, { canReuse: () => false })).end();
      tree = null;
      const sha256 = written.sha256.toString('hex');
      stored.set(artifact.name, { ...artifact, content: written.content, sha256 });
    }
  }
  return manifest.artifacts.map(({ name }) => stored.get(name)!);
}

async function storeStream(
  writer: ChunkWriter,
  artifact: ManifestArtifact,
  item: PlacedItem,
  progress: Progress,
): Promise<ManifestArtifact> {
  const pageSize = artifact.kind === 'sqlite' ? Number(artifact.facts.pageSize ?? 0) : 0;
  const stream = writer.openStream(
    pageSize > 0
      ? { method: 'fixed', sizeBytes: Math.max(pageSize, 16 * 1024) }
      : { method: 'content', profile: 'dump' },
  );
  for await (const bytes of item.content!) {
    progress.advance({ bytes: bytes.length });
    await stream.write(bytes);
  }
  const { content } = await stream.end();
  return { ...artifact, content };
}

async function storeEntry(
  tree: TreeWriter,
  artifact: string,
  item: PlacedItem,
  progress: Progress,
): Promise<void> {
  const entry = entryOf(artifact, item);
  if (item.kind !== 'file' || item.content === null) return tree.add(entry);
  await tree.begin(null);
  for await (const bytes of item.content) {
    progress.advance({ bytes: bytes.length });
    await tree.write(bytes);
  }
  await tree.commit(entry);
}

function entryOf(artifact: string, item: PlacedItem): TreeEntry {
  const { mode, uid, gid, user, group, modifiedAtNs, changedAtNs, inode, deviceNumber, sizeBytes, extents } =
    item;
  const isLink = item.kind === 'hardlink';
  return {
    ...{ mode, uid, gid, user, group, modifiedAtNs, inode, deviceNumber, sizeBytes, extents },
    path: item.innerPath,
    type: item.kind === 'hardlink' ? 'file' : item.kind,
    changedAtNs: changedAtNs ?? modifiedAtNs,
    linkTarget: isLink ? null : item.linkTarget,
    hardLinkTo: isLink ? item.linkTarget!.subarray(Buffer.byteLength(artifact) + 1) : null,
    content: null,
  };
}

/** Unpacks a bundle into a new or empty folder: ordinary files, no repository needed. See `extractBundle`. */
export async function openBundle(request: {
  readonly file: string;
  readonly folder: string;
  readonly credentials: readonly Credential[];
  /** See `BundleReadInput`. */
  readonly acceptsUnencrypted?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}): Promise<{
  backupId: string;
  entries: number;
  sizeBytes: number;
  signature: 'valid' | 'unchecked' | 'absent';
  skipped: string[];
  encryption: PlaceEncryption;
}> {
  const { file, ...input } = request;
  const report = await extractBundle({ source: bytesOf(file), ...input });
  return {
    backupId: report.header.backupId,
    entries: report.entries,
    sizeBytes: report.bytes,
    signature: report.signature,
    encryption: report.header.encryption === 'none' ? 'none' : 'aes-256-gcm',
    skipped: report.skipped.map(({ path, kind }) => `${path} (${kind})`),
  };
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: 1 << 20 });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT')
      throw new HoldfastError('source_missing', `${file} does not exist`, { cause: error });
    if (code === 'EACCES')
      throw new HoldfastError('source_denied', `${file} cannot be read`, { cause: error });
    throw error;
  }
}
