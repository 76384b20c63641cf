/** One file out of a backup, into a file of its own. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { HoldfastError } from '../base/errors.ts';
import { escapePath, unescapePath } from '../base/escape-path.ts';
import type { ChunkReader } from '../repository/chunk-reader.ts';
import type { ManifestArtifact } from '../repository/manifest.ts';
import { findTreeEntry } from '../repository/tree-browser.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { OperationContext } from './context.ts';
import { artifactNamed, treeBatches, withReader } from './open-tree.ts';
import { writeNewFile } from './write-file.ts';

export interface ExtractFileRequest {
  readonly backupId: string;
  readonly artifact: string;
  /** Below a tree, as `escapePath` writes it; empty for an artifact that is a file itself. */
  readonly path: string;
  /** Made 0600; must not be there. */
  readonly file: string;
}

export interface ExtractedFile {
  readonly backupId: string;
  /** Its name where it came from, escaped, without folders. */
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Writes the content of one file, whole or not at all, without its owner, mode and times. Links are not followed: what they
 * lead to is not in the backup's word. Throws `item_unknown` for what is no file, `id_unknown`, `object_damaged`, `chunk_missing`, `target_failed`.
 */
export async function extractFile(
  context: OperationContext,
  request: ExtractFileRequest,
): Promise<ExtractedFile> {
  const { file } = request;
  const { manifest } = await context.repository.manifests.resolve(request.backupId, ['backups', 'archived']);
  const artifact = artifactNamed(manifest, request.artifact);
  const backupId = manifest.id;
  return withReader(context, async (reader) => {
    if (artifact.form === 'tree') {
      const entry = await fileEntry(context, reader, artifact, request.path);
      await writeEntry(context, reader, entry, file);
      const name = escapePath(entry.path.subarray(entry.path.lastIndexOf(0x2f) + 1));
      return { backupId, name, sizeBytes: entry.sizeBytes };
    }
    if (request.path !== '')
      throw new HoldfastError('item_unknown', `${artifact.name} is one file, and no folder`);
    const content = reader.read(artifact.content);
    const { sha256, sizeBytes } = artifact;
    await writeNewFile({ target: file, content, sha256, replace: false, signal: context.signal });
    return { backupId, name: artifact.name.slice(artifact.name.lastIndexOf('/') + 1), sizeBytes };
  });
}

async function fileEntry(
  { signal }: OperationContext,
  reader: ChunkReader,
  artifact: ManifestArtifact,
  text: string,
): Promise<TreeEntry> {
  const find = (path: Buffer) => findTreeEntry(treeBatches(reader, artifact, signal), path);
  const found = await find(unescapePath(text));
  if (found?.type !== 'file') {
    const what = found ? `is a ${found.type}, no file,` : 'is not there';
    throw new HoldfastError('item_unknown', `${text} ${what} in ${artifact.name}`);
  }
  if (found.hardLinkTo === null) return found;
  const first = await find(found.hardLinkTo);
  if (first?.type !== 'file' || first.hardLinkTo !== null) {
    throw new HoldfastError('object_damaged', `${text} is a link to a file that is not in ${artifact.name}`);
  }
  return { ...first, path: found.path };
}

/** Holes stay holes. */
async function writeEntry(
  { signal }: OperationContext,
  reader: ChunkReader,
  { content, extents, sizeBytes }: TreeEntry,
  file: string,
): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const places = [...(extents ?? [[0, sizeBytes] as const])];
    let [at, left] = places.shift() ?? [0, 0];
    for await (const bytes of content ? reader.read(content) : []) {
      signal.throwIfAborted();
      for (let from = 0; from < bytes.length; ) {
        if (left === 0) [at, left] = places.shift() ?? [at, bytes.length - from];
        const length = Math.min(left, bytes.length - from);
        await writeAll(handle, bytes.subarray(from, from + length), at);
        [from, at, left] = [from + length, at + length, left - length];
      }
    }
    await handle.truncate(sizeBytes);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}
