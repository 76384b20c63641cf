import { createHash } from 'node:crypto';
import { escapePath } from '../base/escape-path.ts';
import type { Bitset } from './bitset.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { ChunkReader } from './chunk-reader.ts';
import type { ManifestArtifact } from './manifest.ts';
import { unreadable } from './reachable.ts';
import { decodeTreeEntries } from './tree-codec.ts';
import type { AffectedArtifact } from './verify-report.ts';
import { type ChunkSource, contentKey, type OnChunk, walkContent } from './walk-content.ts';

/** Paths named for each artifact; the rest is counted. */
const PATHS_NAMED = 100;

export interface ArtifactChecker {
  /** What of the artifact cannot be restored; null when all of it can. */
  check(artifact: ManifestArtifact): Promise<AffectedArtifact | null>;
  readonly hashedBytes: number;
}

type Flaws = Omit<AffectedArtifact, 'artifact'>;

/**
 * Checks artifacts against what is known of the chunks: each must be in the index and not among the bad ones, through
 * nested lists and, for a tree, every file. With `hash` the whole stream, or the tree's record stream, is read
 * and compared with the manifest's SHA-256. What backups share as a whole is checked once.
 */
export function artifactChecker(
  index: ChunkIndex,
  bad: Bitset,
  source: ChunkSource & Pick<ChunkReader, 'stream'>,
  hash: boolean,
): ArtifactChecker {
  const known = new Map<string, Flaws | null>();
  let hashedBytes = 0;

  /** Collects what is wrong with the chunks of one content; null when nothing is. */
  const watch = (): { onChunk: OnChunk; why: () => string | null } => {
    let missing = 0;
    let damaged = 0;
    return {
      onChunk(id) {
        const needed = index.needed(id);
        if (needed.length === 0) missing += 1;
        else if (needed.some((number) => bad.has(number))) damaged += 1;
      },
      why: () => {
        if (missing + damaged === 0) return null;
        return [
          missing > 0 && `${missing} chunks are missing`,
          damaged > 0 && `${damaged} chunks are damaged`,
        ]
          .filter(Boolean)
          .join(', ');
      },
    };
  };

  async function checkStream(artifact: ManifestArtifact): Promise<Flaws | null> {
    const chunks = watch();
    const failure = await walkContent(source, artifact.content, chunks.onChunk).then(() => null, unreadable);
    const why = failure ?? chunks.why();
    if (why !== null) return flaws(why);
    if (artifact.form === 'stream' && artifact.sizeBytes !== artifact.content.sizeBytes) {
      return flaws('its size is not that of its content');
    }
    return null;
  }

  async function checkTree(artifact: ManifestArtifact): Promise<Flaws | null> {
    const paths: string[] = [];
    let hit = 0;
    let sizeBytes = 0;
    for await (const entry of decodeTreeEntries(source.read(artifact.content))) {
      if (entry.hardLinkTo === null) sizeBytes += entry.sizeBytes;
      if (!entry.content) continue;
      const chunks = watch();
      const failure = await walkContent(source, entry.content, chunks.onChunk).then(() => null, unreadable);
      if (failure === null && chunks.why() === null) continue;
      hit += 1;
      if (paths.length < PATHS_NAMED) paths.push(escapePath(entry.path));
    }
    if (hit > 0) return { why: `${hit} files are hit`, paths, morePaths: hit - paths.length };
    return sizeBytes === artifact.sizeBytes ? null : flaws('its size is not that of its files');
  }

  async function checkHash(artifact: ManifestArtifact): Promise<Flaws | null> {
    const sha256 = createHash('sha256');
    let sizeBytes = 0;
    for await (const part of source.stream(artifact.content)) {
      sha256.update(part);
      sizeBytes += part.length;
    }
    hashedBytes += sizeBytes;
    if (sizeBytes !== artifact.content.sizeBytes) return flaws('its content has another size than stated');
    return sha256.digest('hex') === artifact.sha256
      ? null
      : flaws('its content has another SHA-256 than stated');
  }

  async function checkAll(artifact: ManifestArtifact): Promise<Flaws | null> {
    try {
      const found = await checkStream(artifact);
      if (found) return found;
      if (artifact.form === 'tree') {
        const inFiles = await checkTree(artifact);
        if (inFiles) return inFiles;
      }
      return hash ? await checkHash(artifact) : null;
    } catch (error) {
      return flaws(unreadable(error));
    }
  }

  return {
    get hashedBytes() {
      return hashedBytes;
    },
    async check(artifact) {
      const { form, sizeBytes, sha256, name } = artifact;
      const key = `${form}:${sizeBytes}:${sha256}:${contentKey(artifact.content)}`;
      let found = known.get(key);
      if (found === undefined) {
        found = await checkAll(artifact);
        known.set(key, found);
      }
      return found && { artifact: name, ...found };
    },
  };
}

const flaws = (why: string): Flaws => ({ why, paths: [], morePaths: 0 });
