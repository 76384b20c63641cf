import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { PreviousChunks } from '../repository/alignment.ts';
import type { ChunkWriter } from '../repository/chunk-writer.ts';
import type { ManifestArtifact } from '../repository/manifest.ts';
import { eachRef, type Ref } from '../repository/refs.ts';
import { newSegment } from '../repository/segment.ts';
import { decodeTreeBatches, encodeTreeEntry } from '../repository/tree-codec.ts';
import type { Content, TreeEntry } from '../sources/port.ts';
import type { ChunkCopier, ChunkOrigin } from './copy-chunks.ts';

export interface ContentCopy {
  readonly origin: ChunkOrigin;
  readonly writer: ChunkWriter;
  readonly chunks: ChunkCopier;
  readonly progress: Pick<Progress, 'advance'>;
  readonly signal: AbortSignal;
}

/** References looked up together: their chunks are read in one go. */
const REFS_AT_ONCE = 1024;

/**
 * Copies one artifact: the same bytes in the same chunks. A tree's records are written anew, since they hold references; the hash
 * of a tree is that of its records here. Throws `object_damaged` when what is read is not what the manifest says.
 */
export async function copyArtifact(
  copy: ContentCopy,
  artifact: ManifestArtifact,
  previousRecords: PreviousChunks | null,
): Promise<ManifestArtifact> {
  if (artifact.form === 'tree') return copyTree(copy, artifact, previousRecords);
  const hash = createHash('sha256');
  const { content, bytesRead } = await copyContent(
    copy,
    artifact.content,
    (bytes) => void hash.update(bytes),
  );
  // What was not read was read before, when it was stored: its id proves it.
  if (bytesRead === artifact.sizeBytes) refuseOther(artifact, hash.digest('hex'));
  return { ...artifact, content };
}

/** A content in its own chunks. `bytesRead` says how much of it was not there before. */
async function copyContent(
  copy: ContentCopy,
  given: Content,
  onBytes: (bytes: Buffer) => void,
): Promise<{ content: Content; bytesRead: number }> {
  const { origin, chunks, progress, signal } = copy;
  const segment = segmentOf(copy.writer);
  let bytesRead = 0;
  const place = async (refs: readonly Ref[]) => {
    signal.throwIfAborted();
    const ids = await chunks.bring(refs, (bytes) => {
      bytesRead += bytes.length;
      onBytes(bytes);
    });
    refs.forEach(({ lengthBytes, mark }, i) => void segment.add(ids[i]!, 0, lengthBytes, mark));
    progress.advance({ bytes: refs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) });
  };
  let refs: Ref[] = [];
  for await (const ref of origin.reader.refs(given)) {
    refs.push(ref);
    if (refs.length < REFS_AT_ONCE) continue;
    await place(refs);
    refs = [];
  }
  await place(refs);
  const content = await segment.close();
  if (content.sizeBytes === given.sizeBytes) return { content, bytesRead };
  throw new HoldfastError(
    'object_damaged',
    `a content of ${given.sizeBytes} bytes refers to ${content.sizeBytes} bytes`,
  );
}

/** Lists of references are stored as any writer stores them, so that a copy made again is the same. */
const segmentOf = (writer: ChunkWriter) =>
  newSegment(() => writer.openStream({ method: 'content', profile: 'dump' }, { sha256: false }));

async function copyTree(
  copy: ContentCopy,
  artifact: ManifestArtifact,
  previousRecords: PreviousChunks | null,
): Promise<ManifestArtifact> {
  const { origin, writer, progress } = copy;
  const records = writer.openStream({ method: 'content', profile: 'dump' });
  records.follow(previousRecords);
  const hash = createHash('sha256');
  async function* hashed() {
    for await (const bytes of origin.reader.read(artifact.content)) {
      hash.update(bytes);
      yield bytes;
    }
  }
  for await (const entries of decodeTreeBatches(hashed())) {
    for (const group of groupsOf(entries)) {
      copy.signal.throwIfAborted();
      for (const entry of await copyEntries(copy, group)) {
        const written = records.write(encodeTreeEntry(entry));
        if (written) await written;
      }
      progress.advance({ entries: group.length });
    }
  }
  refuseOther(artifact, hash.digest('hex'));
  const { content, sha256 } = await records.end();
  return { ...artifact, content, sha256: sha256.toString('hex') };
}

/** Entries whose chunks are looked up together: small files are not read one by one. */
function* groupsOf(entries: readonly TreeEntry[]): Generator<TreeEntry[]> {
  let group: TreeEntry[] = [];
  let refs = 0;
  for (const entry of entries) {
    group.push(entry);
    refs += entry.content?.depth === 0 ? entry.content.refs.length : 0;
    if (refs < REFS_AT_ONCE * 36) continue;
    yield group;
    group = [];
    refs = 0;
  }
  if (group.length > 0) yield group;
}

async function copyEntries(copy: ContentCopy, entries: readonly TreeEntry[]): Promise<TreeEntry[]> {
  const { chunks, progress } = copy;
  const refs = entries.flatMap(({ content }) => (content?.depth === 0 ? [...eachRef(content.refs)] : []));
  const ids = await chunks.bring(refs);
  progress.advance({ bytes: refs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) });
  let next = 0;
  const copied: TreeEntry[] = [];
  for (const entry of entries) {
    if (entry.content === null) copied.push(entry);
    else if (entry.content.depth > 0) {
      const { content } = await copyContent(copy, entry.content, () => {});
      copied.push({ ...entry, content });
    } else {
      const segment = segmentOf(copy.writer);
      for (const { lengthBytes, mark } of eachRef(entry.content.refs)) {
        segment.add(ids[next]!, 0, lengthBytes, mark);
        next += 1;
      }
      copied.push({ ...entry, content: await segment.close() });
    }
  }
  return copied;
}

function refuseOther(artifact: ManifestArtifact, sha256: string): void {
  if (sha256 === artifact.sha256) return;
  throw new HoldfastError(
    'object_damaged',
    `${artifact.name} is not what its backup says: its SHA-256 differs`,
  );
}
