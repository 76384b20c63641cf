import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { type BundleItem, type BundleItemKind, plainFile } from '../bundle/bundle-item.ts';
import { recordsName } from '../bundle/bundle-manifest.ts';
import { bundleSigner } from '../bundle/bundle-signature.ts';
import { writeBundle } from '../bundle/bundle-writer.ts';
import type { Credential } from '../crypto/key-text.ts';
import type { SigningKey } from '../crypto/signing.ts';
import { type ChunkReader, openChunkReader } from '../repository/chunk-reader.ts';
import { encodeManifest, type Manifest, type ManifestArtifact } from '../repository/manifest.ts';
import { decodeTreeEntries } from '../repository/tree-codec.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { PlaceEncryption } from './bundle-store.ts';
import type { OperationContext } from './context.ts';
import { writeNewFile } from './write-file.ts';

export interface ExportRequest {
  readonly id: string;
  readonly compression: 'zstd' | 'gzip';
  /** Default: aes-256-gcm. */
  readonly encryption?: PlaceEncryption;
  /** Each will open the bundle; not looked at when it is not encrypted. */
  readonly credentials: readonly Credential[];
  readonly signingKey: SigningKey;
}

/** Writes one backup as a self-contained file, whole or not at all. Throws `target_not_empty` when the file is there. */
export async function exportBundle(
  context: OperationContext,
  { file, ...request }: ExportRequest & { readonly file: string },
): Promise<{ backupId: string; sizeBytes: number }> {
  const { signal } = context;
  return withBundle(context, request, async (manifest, content) => ({
    backupId: manifest.id,
    sizeBytes: await writeNewFile({ target: file, content, sha256: null, replace: false, signal }),
  }));
}

/** Gives one backup as the bytes of a bundle to `work`. Throws `id_unknown`, `id_ambiguous`. */
export async function withBundle<T>(
  context: OperationContext,
  request: ExportRequest,
  work: (manifest: Manifest, content: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { repository, progress } = context;
  const { manifest } = await repository.manifests.resolve(request.id, ['backups', 'archived']);
  const { storage, keys } = repository;
  const reader = openChunkReader({ storage, keys, index: await repository.loadIndex({ forReading: true }) });
  progress.phase('export', { bytes: manifest.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
  try {
    const content = writeBundle({
      backupId: manifest.id,
      createdAt: manifest.startedAt,
      compression: request.compression,
      ...(request.encryption === 'none' ? { encryption: 'none' } : {}),
      credentials: request.credentials,
      manifestJson: encodeManifest(manifest),
      sign: bundleSigner(request.signingKey),
      items: itemsOf(reader, manifest, (bytes) => progress.advance({ bytes })),
    });
    return await work(manifest, content);
  } finally {
    reader.close();
  }
}

async function* itemsOf(
  reader: ChunkReader,
  manifest: Manifest,
  onBytes: (bytes: number) => void,
): AsyncGenerator<BundleItem> {
  for (const artifact of manifest.artifacts) {
    if (artifact.form === 'tree') yield* treeItems(reader, artifact, onBytes);
    else {
      const content = counted(proven(artifact, reader.read(artifact.content)), onBytes);
      yield plainFile(
        artifact.name,
        artifact.sizeBytes,
        content,
        BigInt(Date.parse(manifest.startedAt)) * 1_000_000n,
      );
    }
  }
}

/** The entries as files, then the records they came from. */
async function* treeItems(
  reader: ChunkReader,
  { name, content }: ManifestArtifact,
  onBytes: (bytes: number) => void,
): AsyncGenerator<BundleItem> {
  for await (const entry of decodeTreeEntries(reader.read(content))) {
    yield entryItem(reader, name, entry, onBytes);
  }
  yield plainFile(recordsName(name), content.sizeBytes, reader.read(content));
}

function entryItem(
  reader: ChunkReader,
  artifact: string,
  entry: TreeEntry,
  onBytes: (bytes: number) => void,
): BundleItem {
  const inTree = (path: Buffer) =>
    path.length === 0 ? Buffer.from(artifact) : Buffer.concat([Buffer.from(`${artifact}/`), path]);
  const kind: BundleItemKind = entry.hardLinkTo ? 'hardlink' : entry.type;
  const { mode, modifiedAtNs, changedAtNs, uid, gid, user, group, inode, deviceNumber, sizeBytes, extents } =
    entry;
  return {
    ...{ kind, mode, modifiedAtNs, changedAtNs, uid, gid, user, group, inode, deviceNumber, extents },
    sizeBytes: kind === 'file' ? sizeBytes : 0,
    path: inTree(entry.path),
    linkTarget: entry.hardLinkTo ? inTree(entry.hardLinkTo) : entry.linkTarget,
    content: kind === 'file' ? counted(entry.content ? reader.read(entry.content) : none(), onBytes) : null,
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The same bytes. Throws `object_damaged` behind the last one when they are not those that were backed up. */
async function* proven({ name, sha256 }: ManifestArtifact, bytes: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  for await (const part of bytes) {
    hash.update(part);
    yield part;
  }
  if (hash.digest('hex') === sha256) return;
  throw new HoldfastError('object_damaged', `${name} is not what its backup says: its SHA-256 differs`);
}

async function* counted(bytes: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
  for await (const part of bytes) {
    onBytes(part.length);
    yield part;
  }
}
