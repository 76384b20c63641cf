import { codeOf } from '../base/errors.ts';
import { type Bitset, newBitset } from './bitset.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { inOrder } from './in-order.ts';
import type { Manifest, ManifestArtifact } from './manifest.ts';
import type { ManifestRef } from './manifest-path.ts';
import { MANIFESTS_AT_ONCE, type RejectedManifest, rejectionOf } from './manifest-store.ts';
import type { Repository } from './repository.ts';
import { isDamage } from './sealed-json.ts';
import { type ChunkSource, contentKey, type OnChunk, walkContent, walkFlat } from './walk-content.ts';
import { type WalkMemo, walkMemo } from './walk-memo.ts';
import { walkTree } from './walk-tree.ts';

/** Meets every chunk an artifact needs: its own, and for a tree those of every file in it; not those that `memo` knows. */
export async function walkArtifact(
  source: ChunkSource,
  artifact: Pick<ManifestArtifact, 'content' | 'form'>,
  onChunk: OnChunk,
  memo: WalkMemo = walkMemo(),
): Promise<void> {
  if (artifact.form !== 'tree') return walkContent(source, artifact.content, onChunk, memo);
  await walkTree(source, artifact.content, {
    onChunk,
    onEntry({ content }) {
      if (content?.depth === 0) return walkFlat(content, onChunk);
      return content ? walkContent(source, content, onChunk, memo) : undefined;
    },
    memo,
  });
}

type OnRejected = (rejected: RejectedManifest, ref: ManifestRef) => void;

/**
 * Every backup, listed or archived, that passes all checks, in no particular order. One that is moved between the
 * two folders meanwhile is not missed: the first is listed again after the second.
 */
export async function* everyBackup(
  repository: Repository,
  onRejected: OnRejected,
): AsyncGenerator<{ ref: ManifestRef; manifest: Manifest }> {
  const places = new Map<string, ManifestRef[]>();
  for (const state of ['backups', 'archived', 'backups'] as const) {
    for await (const ref of repository.manifests.list(state)) {
      const path = ref.name.slice(ref.name.indexOf('/'));
      const known = places.get(path) ?? [];
      if (!known.some(({ name }) => name === ref.name)) places.set(path, [...known, ref]);
    }
  }
  const read = (refs: readonly ManifestRef[]) => readAny(repository, refs, onRejected);
  for await (const found of inOrder([...places.values()], read, { atOnce: MANIFESTS_AT_ONCE })) {
    if (found) yield found;
  }
}

/** Null for a backup that was purged meanwhile, or rejected. */
async function readAny(
  repository: Repository,
  refs: readonly ManifestRef[],
  onRejected: OnRejected,
): Promise<{ ref: ManifestRef; manifest: Manifest } | null> {
  for (const ref of refs) {
    try {
      return { ref, manifest: await repository.manifests.read(ref) };
    } catch (error) {
      const rejected = rejectionOf(ref.name, error);
      if (!rejected) throw error;
      if (rejected.code !== 'object_missing') onRejected(rejected, ref);
    }
  }
  return null;
}

export interface Reachable {
  /** By the numbers of the index that was given. */
  readonly chunks: Bitset;
  /** References that lead to no chunk of the index. */
  readonly missingChunks: number;
  /** Manifests that could not be used, and lists that could not be read to the end: more may be reachable. */
  readonly unclear: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Marks every chunk that a backup, listed or archived, needs. Memory is one bit per chunk of the index and what a memo may take: lists and
 * trees are read as streams, and what two backups share is walked once.
 */
export async function markReachable(
  repository: Repository,
  index: ChunkIndex,
  source: ChunkSource,
): Promise<Reachable> {
  const chunks = newBitset(index.count);
  const walked = new Set<string>();
  const unclear: { name: string; why: string }[] = [];
  let missingChunks = 0;
  const memo = walkMemo(() => missingChunks);
  const onChunk: OnChunk = (id) => {
    const needed = index.needed(id);
    if (needed.length === 0) missingChunks += 1;
    for (const number of needed) chunks.add(number);
  };
  const onRejected = ({ name, why }: RejectedManifest) => void unclear.push({ name, why });
  for await (const { ref, manifest } of everyBackup(repository, onRejected)) {
    for (const artifact of manifest.artifacts) {
      const key = `${artifact.form}:${contentKey(artifact.content)}`;
      if (walked.has(key)) continue;
      walked.add(key);
      const why = await walkArtifact(source, artifact, onChunk, memo).then(() => null, unreadable);
      if (why !== null) unclear.push({ name: `${ref.name} (${artifact.name})`, why });
    }
  }
  return { chunks, missingChunks, unclear };
}

/** Why a list cannot be read. Throws again what says nothing about the list. */
export function unreadable(error: unknown): string {
  if (isDamage(error) || codeOf(error) === 'chunk_missing' || codeOf(error) === 'object_missing') {
    return (error as Error).message;
  }
  throw error;
}
