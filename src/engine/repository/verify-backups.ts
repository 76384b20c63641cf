import { createHash } from 'node:crypto';
import { escapePath } from '../base/escape-path.ts';
import type { TreeEntry } from '../sources/port.ts';
import type { Bitset } from './bitset.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { ChunkReader } from './chunk-reader.ts';
import type { ManifestArtifact } from './manifest.ts';
import { unreadable } from './reachable.ts';
import type { AffectedArtifact } from './verify-report.ts';
import { type ChunkSource, contentKey, type OnChunk, walkContent } from './walk-content.ts';
import { walkMemo } from './walk-memo.ts';
import { walkTree } from './walk-tree.ts';

/** Paths named for each artifact; the rest is counted. */
const PATHS_NAMED = 100;

export interface ArtifactChecker {
  /** What of the artifact cannot be restored; null when all of it can. With `hash` its bytes are read and hashed as well. */
  check(artifact: ManifestArtifact, hash: boolean): Promise<AffectedArtifact | null>;
  readonly hashedBytes: number;
}

type Flaws = Omit<AffectedArtifact, 'artifact'>;

/**
 * Checks artifacts against what is known of the chunks: each must be in the index and not among the bad ones, through
 * nested lists and, for a tree, every file. Hashing reads the whole stream, or the tree's record stream, and compares it with the
 * manifest's SHA-256. What backups share is checked once.
 */
export function artifactChecker(
  index: ChunkIndex,
  bad: Bitset,
  source: ChunkSource & Pick<ChunkReader, 'stream'>,
): ArtifactChecker {
  const known = new Map<string, Flaws | null>();
  let hashedBytes = 0;
  /** All that was found so far: parts that added to it are looked at again in every backup. */
  let flawsMet = 0;
  const memo = walkMemo(() => flawsMet);

  /** Collects what is wrong with the chunks of one content; null when nothing is. */
  const watch = (): { onChunk: OnChunk; why: () => string | null } => {
    let missing = 0;
    let damaged = 0;
    return {
      onChunk(id) {
        const needed = index.needed(id);
        if (needed.length === 0) missing += 1;
        else if (needed.some((number) => bad.has(number))) damaged += 1;
        else return;
        flawsMet += 1;
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

  async function checkStream({ content, sizeBytes }: ManifestArtifact): Promise<Flaws | null> {
    const chunks = watch();
    await walkContent(source, content, chunks.onChunk, memo);
    const why = chunks.why();
    if (why !== null) return flaws(why);
    return sizeBytes === content.sizeBytes ? null : flaws('its size is not that of its content');
  }

  async function checkTree(artifact: ManifestArtifact): Promise<Flaws | null> {
    const paths: string[] = [];
    let hit = 0;
    const checkFile = async ({ path, content }: TreeEntry): Promise<void> => {
      if (!content) return;
      const chunks = watch();
      const failure = await walkContent(source, content, chunks.onChunk, memo).then(() => null, unreadable);
      if (failure === null && chunks.why() === null) return;
      flawsMet += 1;
      hit += 1;
      if (paths.length < PATHS_NAMED) paths.push(escapePath(path));
    };
    const records = watch();
    const { onChunk } = records;
    const sizeBytes = await walkTree(source, artifact.content, { onChunk, onEntry: checkFile, memo });
    const why = records.why();
    if (why !== null) return flaws(why);
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

  const orUnreadable = (checking: Promise<Flaws | null>) =>
    checking.catch((error: unknown) => flaws(unreadable(error)));
  const checkChunks = (artifact: ManifestArtifact) =>
    orUnreadable(artifact.form === 'tree' ? checkTree(artifact) : checkStream(artifact));
  const once = async (key: string, check: () => Promise<Flaws | null>): Promise<Flaws | null> => {
    let found = known.get(key);
    if (found === undefined) {
      found = await check();
      known.set(key, found);
    }
    return found;
  };

  return {
    get hashedBytes() {
      return hashedBytes;
    },
    async check(artifact, hash) {
      const { form, sizeBytes, sha256, name } = artifact;
      const key = `${form}:${sizeBytes}:${sha256}:${contentKey(artifact.content)}`;
      let found = await once(key, () => checkChunks(artifact));
      if (hash) found ??= await once(`hash:${key}`, () => orUnreadable(checkHash(artifact)));
      return found && { artifact: name, ...found };
    },
  };
}

const flaws = (why: string): Flaws => ({ why, paths: [], morePaths: 0 });
