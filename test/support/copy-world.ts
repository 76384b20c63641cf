/** Repositories with keys and secrets of their own, as destinations of one host: what copying between them needs. */
import { createHash } from 'node:crypto';
import { silentProgress } from '../../src/engine/base/progress.ts';
import type { OperationContext } from '../../src/engine/operations/context.ts';
import type { RepositoryPlace } from '../../src/engine/operations/copy-place.ts';
import {
  type AmongRequest,
  type CopiesAt,
  type Participant,
  replicateAmong,
} from '../../src/engine/operations/replicate-among.ts';
import type { RetentionInput } from '../../src/engine/operations/rotate.ts';
import { openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import { openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { decodeTreeEntries } from '../../src/engine/repository/tree-codec.ts';
import type { Content } from '../../src/engine/sources/port.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import type { RepositoryWorld } from './repository-world.ts';

export function contextOf(world: RepositoryWorld, repository: Repository): OperationContext {
  return {
    repository,
    progress: silentProgress,
    signal: new AbortController().signal,
    clock: world.clock,
    scratchRoot: '/nonexistent',
    workers: 1,
    minimumFreeBytes: 0,
  };
}

/** Opens a world's repository, or a copy of its storage, as a destination. */
export async function placeOf(
  world: RepositoryWorld,
  storage: Storage = world.storage,
): Promise<RepositoryPlace> {
  const { clock, credential, signingKey } = world;
  const repository = await openRepository({ storage, credentials: [credential], clock, signingKey });
  const context = contextOf(world, repository);
  const { progress, signal } = context;
  return {
    ...{ layout: 'repository', context, storage: repository.storage, credentials: [credential] },
    ...{ signingKey, progress, signal, clock },
  };
}

export function participant(name: string, place: RepositoryPlace, rules: RetentionInput = {}): Participant {
  // Worlds in memory share one address.
  const storage = { ...place.storage, address: `${name}:` };
  return { name, place: { ...place, storage }, rulesOf: () => rules };
}

/** Copies what `to` lacks of `from`. */
export async function copyBetween(
  from: RepositoryPlace,
  to: RepositoryPlace,
  request: Partial<AmongRequest> = {},
  rules: RetentionInput = {},
): Promise<CopiesAt> {
  const given = { dryRun: false, ...request };
  const [outcome] = await replicateAmong([participant('from', from)], [participant('to', to, rules)], given);
  return outcome!;
}

/** The plain bytes of every artifact, and of every file of a tree, as hashes by name: equal for equal backups. */
export async function plainHashes(
  repository: Repository,
  manifest: Manifest,
): Promise<Record<string, string>> {
  const { storage, keys } = repository;
  const index = await repository.loadIndex({ forReading: true });
  const reader = openChunkReader({ storage, keys, index });
  const hashOf = async (content: Content | null) => {
    const hash = createHash('sha256');
    if (content) for await (const bytes of reader.read(content)) hash.update(bytes);
    return hash.digest('hex');
  };
  const hashes: Record<string, string> = {};
  for (const { name, form, content, sha256 } of manifest.artifacts) {
    const own = await hashOf(content);
    if (own !== sha256) throw new Error(`${name} is not what its manifest says`);
    if (form === 'stream') hashes[name] = own;
    else {
      for await (const { path, content: file, sizeBytes } of decodeTreeEntries(reader.read(content))) {
        hashes[`${name}/${path.toString('latin1')}`] = `${sizeBytes} ${await hashOf(file)}`;
      }
    }
  }
  reader.close();
  return hashes;
}
