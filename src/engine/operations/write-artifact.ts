import type { ChunkIndex } from '../repository/chunk-index.ts';
import type { ChunkReader } from '../repository/chunk-reader.ts';
import type { ChunkWriter } from '../repository/chunk-writer.ts';
import type { ManifestArtifact, ManifestProblem } from '../repository/manifest.ts';
import { previousChunks, previousChunksOf } from '../repository/previous-chunks.ts';
import { refsPresent, reusableEntries } from '../repository/reusable-entries.ts';
import { decodeTreeEntries } from '../repository/tree-codec.ts';
import { openTreeWriter } from '../repository/tree-writer.ts';
import { walkContent } from '../repository/walk-content.ts';
import type { Artifact, Content, StreamArtifact, TreeArtifact } from '../sources/port.ts';

export interface WrittenArtifact {
  readonly artifact: ManifestArtifact;
  readonly problems: readonly ManifestProblem[];
}

export interface ArtifactTarget {
  readonly writer: ChunkWriter;
  /** Reads what the repository held before this run. */
  readonly reader: ChunkReader;
  readonly index: ChunkIndex;
  /** True where what changed may be stored as a difference against the backup before. */
  readonly deltas: boolean;
}

/** Stores one artifact of a source under `name`. `previous` is the same artifact of the backup before. */
export async function writeArtifact(
  target: ArtifactTarget,
  source: string,
  name: string,
  artifact: Artifact,
  previous: ManifestArtifact | null,
): Promise<WrittenArtifact> {
  return artifact.form === 'stream'
    ? writeStream(target, source, name, artifact, previous)
    : writeTree(target, source, name, artifact, previous);
}

async function writeStream(
  { writer, reader, index, deltas }: ArtifactTarget,
  source: string,
  name: string,
  { kind, chunking, produce }: StreamArtifact,
  previous: ManifestArtifact | null,
): Promise<WrittenArtifact> {
  const stream = writer.openStream(chunking);
  if (deltas && previous?.form === 'stream') {
    stream.follow(await previousChunks(reader, index, previous.content));
  }
  const facts = await produce(
    stream,
    previous?.form === 'stream' && previous.kind === kind ? previous : null,
  );
  const { content, sha256 } = await stream.end();
  const { sizeBytes } = content;
  const hex = sha256.toString('hex');
  return {
    artifact: { name, source, kind, form: 'stream', sizeBytes, sha256: hex, content, facts },
    problems: [],
  };
}

async function writeTree(
  { writer, reader, index, deltas }: ArtifactTarget,
  source: string,
  name: string,
  { kind, produce }: TreeArtifact,
  previous: ManifestArtifact | null,
): Promise<WrittenArtifact> {
  const use = async (content: Content): Promise<boolean> => {
    let whole = true;
    await walkContent(reader, content, (id) => {
      whole = writer.use(id) && whole;
    });
    return whole;
  };
  const before = previous?.form === 'tree' && previous.kind === kind ? previous : null;
  const chunksOf = (content: Content) =>
    content.depth === 0 ? previousChunksOf(index, content) : previousChunks(reader, index, content);
  const tree = openTreeWriter(writer, {
    ...(deltas && before ? { chunksOf, previousRecords: await chunksOf(before.content) } : {}),
    canReuse: (content) => refsPresent(content, writer.use),
    onReuse: () => {},
  });
  const entries =
    before !== null
      ? reusableEntries(decodeTreeEntries(reader.read(before.content)), (content) =>
          use(content).catch(() => false),
        )
      : null;
  const { facts, problems } = await produce(tree, entries);
  const { content, sha256, sizeBytes } = await tree.end();
  return {
    artifact: { name, source, kind, form: 'tree', sizeBytes, sha256: sha256.toString('hex'), content, facts },
    problems: problems.map(({ path, cause, message }) => ({ artifact: name, path, cause, message })),
  };
}
