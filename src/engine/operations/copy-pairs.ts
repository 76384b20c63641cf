import type { ChunkReader } from '../repository/chunk-reader.ts';
import type { Manifest, ManifestArtifact } from '../repository/manifest.ts';
import { unreadable } from '../repository/reachable.ts';
import type { Ref } from '../repository/refs.ts';
import { decodeTreeEntries } from '../repository/tree-codec.ts';
import type { Content } from '../sources/port.ts';
import type { ChunkIds } from './copy-ids.ts';

interface Side {
  readonly manifest: Manifest;
  readonly reader: Pick<ChunkReader, 'refs' | 'read'>;
}

/**
 * Learns which chunk there is which here from a backup that both hold, without reading one: the same bytes, cut at the same
 * places, are the same chunks. Only lists of references and records of trees are read. What cannot be read teaches
 * nothing. Throws what says nothing about the backups, such as `storage_unreachable`.
 */
export async function learnPairs(ids: ChunkIds, there: Side, here: Side): Promise<void> {
  if (ids.isSame) return;
  for (const artifact of there.manifest.artifacts) {
    const copied = here.manifest.artifacts.find(({ name }) => name === artifact.name);
    if (!copied || copied.form !== artifact.form) continue;
    await pairArtifact(ids, there, here, artifact, copied).catch(unreadable);
  }
}

async function pairArtifact(
  ids: ChunkIds,
  there: Side,
  here: Side,
  artifact: ManifestArtifact,
  copied: ManifestArtifact,
): Promise<void> {
  const pair = (a: Content, b: Content) => pairContents(ids, there.reader.refs(a), here.reader.refs(b));
  if (artifact.form === 'stream') {
    if (artifact.sha256 === copied.sha256) await pair(artifact.content, copied.content);
    return;
  }
  const others = decodeTreeEntries(here.reader.read(copied.content))[Symbol.asyncIterator]();
  try {
    for await (const { path, content, sizeBytes, modifiedAtNs } of decodeTreeEntries(
      there.reader.read(artifact.content),
    )) {
      const { value: other, done } = await others.next();
      if (done || !other.path.equals(path)) return;
      const isSame = other.sizeBytes === sizeBytes && other.modifiedAtNs === modifiedAtNs;
      if (isSame && content && other.content) await pair(content, other.content);
    }
  } finally {
    await others.return?.();
  }
}

/** Chunks that begin and end at the same places. */
async function pairContents(
  ids: ChunkIds,
  there: AsyncIterable<Ref>,
  here: AsyncIterable<Ref>,
): Promise<void> {
  const others = here[Symbol.asyncIterator]();
  let other = await others.next();
  let start = 0;
  let otherStart = 0;
  try {
    for await (const { id, lengthBytes } of there) {
      while (!other.done && otherStart < start) {
        otherStart += other.value.lengthBytes;
        other = await others.next();
      }
      if (other.done) return;
      if (otherStart === start && other.value.lengthBytes === lengthBytes) ids.learn(id, other.value.id);
      start += lengthBytes;
    }
  } finally {
    await others.return?.();
  }
}
