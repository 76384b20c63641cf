import { HOUR_MS } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import type { ChunkIndex } from '../repository/chunk-index.ts';
import { type ChunkReader, openChunkReader } from '../repository/chunk-reader.ts';
import { openChunkWriter } from '../repository/chunk-writer.ts';
import { type RunTimer, startRunTimer } from '../repository/commit-check.ts';
import type { Manifest, ManifestArtifact } from '../repository/manifest.ts';
import { previousChunks } from '../repository/previous-chunks.ts';
import { requireWritable } from '../repository/repository-context.ts';
import { chunkCopier } from './copy-chunks.ts';
import { copyArtifact } from './copy-content.ts';
import { type ChunkIds, chunkIdMap, SAME_IDS } from './copy-ids.ts';
import { learnPairs } from './copy-pairs.ts';
import type { RepositoryPlace } from './copy-place.ts';
import { refuseLowSpace } from './free-space.ts';

export interface CopiedBackup {
  readonly manifest: Manifest;
  readonly storedBytes: number;
}

/** Copies backups between two repositories, one after the other; what one brought, the next does not read again. */
export interface BackupCopier {
  /**
   * Copies a backup under its own id, signed by this host. `anchor` is a backup that both hold and that is like it. Throws
   * what reading at the source and writing at the target throws; then there is no copy, and what was stored is found by the next try.
   */
  copy(manifest: Manifest, anchor: Anchor | null): Promise<CopiedBackup>;
  /**
   * Stores what the target lacks of a backup and resolves with its artifacts as they are there; nothing is committed, `commit`
   * does that.
   */
  store(manifest: Manifest, anchor: Anchor | null): Promise<StoredBackup>;
  close(): void;
}

export interface StoredBackup {
  readonly artifacts: readonly ManifestArtifact[];
  readonly storedBytes: number;
  commit(): Promise<Manifest>;
}

export interface Anchor {
  readonly there: Manifest;
  readonly here: Manifest;
}

/** What was looked up at the target stays true for half the grace period; long before that it is looked up again. */
const REFRESH_MS = HOUR_MS;

interface Side {
  readonly index: ChunkIndex;
  readonly reader: ChunkReader;
}

interface Lookup extends Side {
  readonly timer: RunTimer;
}

export function backupCopier(
  from: RepositoryPlace,
  to: RepositoryPlace,
  options: { readonly readsAll: boolean },
): BackupCopier {
  const source = from.context.repository;
  const target = to.context.repository;
  const isSame = source.keys.chunkIdKey.equals(target.keys.chunkIdKey);
  const ids: ChunkIds = isSame ? SAME_IDS : chunkIdMap();
  const learnt = new Set<string>();
  let origin: Side | null = null;
  let lookup: Lookup | null = null;

  const openOrigin = async (): Promise<Side> => {
    origin ??= await sideOf(from, true);
    return origin;
  };
  const openLookup = async (): Promise<Lookup> => {
    if (lookup && lookup.timer.elapsedMs() < REFRESH_MS) return lookup;
    drop();
    const timer = startRunTimer(to.clock);
    lookup = { ...(await sideOf(to, false)), timer };
    return lookup;
  };
  const drop = () => {
    lookup?.reader.close();
    lookup = null;
  };
  const learn = async (anchor: Anchor | null, here: Lookup, there: Side) => {
    if (anchor === null || ids.isSame || learnt.has(anchor.here.id)) return;
    learnt.add(anchor.here.id);
    await learnPairs(
      ids,
      { manifest: anchor.there, reader: there.reader },
      { manifest: anchor.here, reader: here.reader },
    );
  };
  const store = async (manifest: Manifest, anchor: Anchor | null): Promise<StoredBackup> => {
    const { signal, progress } = to;
    requireWritable(target);
    await refuseLowSpace(target.storage, to.context.minimumFreeBytes);
    const there = await openOrigin();
    const here = await openLookup();
    const { workers } = to.context;
    await learn(anchor, here, there);
    const { storage, keys } = target;
    const writer = openChunkWriter({
      ...{ storage, keys, index: here.index, progress, signal },
      ...(workers === null ? {} : { workers }),
    });
    try {
      const chunkTarget = { context: target, index: here.index, writer };
      const chunks = chunkCopier({ context: source, ...there }, chunkTarget, ids, options.readsAll);
      const copy = { origin: { context: source, ...there }, writer, chunks, progress, signal };
      const artifacts: ManifestArtifact[] = [];
      for (const artifact of manifest.artifacts) {
        const before = anchor?.here.artifacts.find(
          ({ name, form }) => name === artifact.name && form === 'tree',
        );
        const records =
          before && storage.readsAreCheap
            ? await previousChunks(here.reader, here.index, before.content)
            : null;
        artifacts.push(await copyArtifact(copy, artifact, records));
      }
      await chunks.end();
      const { storedBytes } = await writer.finish();
      const { version: _, repositoryId: __, ...rest } = manifest;
      const commit = () =>
        target.manifests.commit({ ...rest, artifacts }, writer.packsUsed(), { timer: here.timer });
      return { artifacts, storedBytes, commit };
    } catch (error) {
      await writer.abort();
      // It has chunks entered that never came.
      drop();
      throw error;
    }
  };
  return {
    store,
    async copy(manifest, anchor) {
      const stored = await store(manifest, anchor);
      try {
        const copied = await stored.commit();
        learnt.add(copied.id);
        return { manifest: copied, storedBytes: stored.storedBytes };
      } catch (error) {
        // A pack that is gone or about to go must be looked up as such.
        if (codeOf(error) !== 'object_exists') drop();
        throw error;
      }
    },
    close() {
      drop();
      origin?.reader.close();
      origin = null;
    },
  };
}

async function sideOf(place: RepositoryPlace, forReading: boolean): Promise<Side> {
  const { repository } = place.context;
  const { storage, keys } = repository;
  const index = await repository.loadIndex({ forReading });
  return { index, reader: openChunkReader({ storage, keys, index }) };
}
