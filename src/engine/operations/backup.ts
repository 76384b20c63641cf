import { hostname } from 'node:os';
import type { BackupType } from '../base/backup-type.ts';
import { HoldfastError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { StageTimes } from '../base/stage-times.ts';
import { openChunkReader } from '../repository/chunk-reader.ts';
import { defaultWorkers } from '../repository/chunk-workers.ts';
import { openChunkWriter } from '../repository/chunk-writer.ts';
import { startRunTimer } from '../repository/commit-check.ts';
import {
  isImported,
  type Manifest,
  type ManifestArtifact,
  type ManifestProblem,
} from '../repository/manifest.ts';
import { rejectionOf } from '../repository/manifest-store.ts';
import { requireWritable } from '../repository/repository-context.ts';
import { together } from '../repository/together.ts';
import type { Source } from '../sources/port.ts';
import { type OperationContext, withScratchFolder } from './context.ts';
import { refuseLowSpace } from './free-space.ts';
import { PROGRAM } from './program.ts';
import { type SourceSpec, sourcesOf } from './source-spec.ts';
import { type ArtifactTarget, writeArtifact } from './write-artifact.ts';

export interface BackupRequest {
  readonly sources: readonly SourceSpec[];
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: BackupType;
  /** Asked while the last chunks are stored: the heads of the ledger, for the manifest. Null or absent where none is kept; never rejects. */
  readonly ledgerHead?: () => Promise<string | null>;
}

export interface BackupOutcome {
  readonly backupId: string;
  /** `incomplete` when something named in `problems` could not be read: never called success. */
  readonly status: 'succeeded' | 'incomplete';
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly durationMs: number;
  readonly artifacts: readonly {
    name: string;
    source: string;
    kind: string;
    sizeBytes: number;
    sha256: string;
  }[];
  readonly problems: readonly ManifestProblem[];
  /** Absent where nothing was measured. */
  readonly profile?: BackupProfile;
}

/** Where the time went. */
export interface BackupProfile {
  readonly durationMs: number;
  readonly workers: number;
  readonly stages: StageTimes;
}

/** How many backups are looked through for the one before of the same plan. */
const LOOK_BACK = 50;

/**
 * Reads every source once and commits one backup, or none: any failure leaves the repository as it was but for
 * chunks, which the next run finds. Throws what sources and storage throw, `space_low`, `run_too_long`, `interrupted`.
 */
export async function backup(context: OperationContext, request: BackupRequest): Promise<BackupOutcome> {
  return backupSources(context, request, sourcesOf(request.sources, request.type));
}

export interface RunRequest extends Omit<BackupRequest, 'sources' | 'type'> {
  /** Null for what the artifacts turn out to be. */
  readonly type: BackupType | null;
  /** For what was made before and elsewhere: the time the backup is to have. */
  readonly madeAtMs?: number;
}

/** The same for sources at hand. See `backup`. */
export async function backupSources(
  context: OperationContext,
  request: RunRequest,
  sources: readonly Source[],
): Promise<BackupOutcome> {
  const { repository, progress, signal, clock } = context;
  const startedMs = clock.nowMs();
  const timer = startRunTimer(clock);
  const { madeAtMs } = request;
  requireWritable(repository);
  await refuseLowSpace(repository.storage, context.minimumFreeBytes);
  progress.phase('index', {});
  const [index, previous] = await together(repository.loadIndex(), previousBackup(context, request));
  const { storage, keys } = repository;
  const workers = context.workers === null ? {} : { workers: context.workers };
  const reader = openChunkReader({ storage, keys, index });
  const writer = openChunkWriter({ storage, keys, index, progress, signal, ...workers });
  try {
    const target: ArtifactTarget = { writer, reader, index, deltas: storage.readsAreCheap ?? false };
    const artifacts: ManifestArtifact[] = [];
    const problems: ManifestProblem[] = [];
    for (const source of sources) await writeSource(context, target, source, previous, artifacts, problems);
    signal.throwIfAborted();
    progress.phase('commit', {});
    const [written, ledgerHead] = await Promise.all([writer.finish(), request.ledgerHead?.() ?? null]);
    const bytesRead = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const manifest = await repository.manifests.commit(
      {
        ...(madeAtMs === undefined ? {} : { id: newId(madeAtMs) }),
        plan: request.plan,
        tenantId: request.tenantId,
        type: request.type ?? typeOf(artifacts),
        complete: problems.length === 0,
        startedAt: new Date(madeAtMs ?? startedMs).toISOString(),
        finishedAt: new Date(madeAtMs ?? clock.nowMs()).toISOString(),
        host: hostname(),
        program: PROGRAM,
        tools: {},
        previous: previous?.id ?? null,
        artifacts,
        problems,
        statistics: { bytesRead, bytesStored: written.storedBytes, newChunks: written.newChunks },
        ledgerHead,
      },
      writer.packsUsed(),
      { timer },
    );
    const durationMs = clock.nowMs() - startedMs;
    return {
      backupId: manifest.id,
      status: manifest.complete ? 'succeeded' : 'incomplete',
      bytesRead,
      bytesStored: written.storedBytes,
      durationMs,
      artifacts: artifacts.map(({ name, source, kind, sizeBytes, sha256 }) => ({
        ...{ name, source, kind, sizeBytes, sha256 },
      })),
      problems,
      profile: { durationMs, workers: context.workers ?? defaultWorkers(), stages: written.times },
    };
  } catch (error) {
    await writer.abort();
    throw signal.aborted ? new HoldfastError('interrupted', undefined, { cause: error }) : error;
  } finally {
    reader.close();
  }
}

const DATABASE_KINDS: ReadonlySet<string> = new Set(['pg-dump', 'pg-sql', 'sqlite']);

function typeOf(artifacts: readonly ManifestArtifact[]): BackupType {
  const databases = artifacts.filter(({ kind }) => DATABASE_KINDS.has(kind)).length;
  return databases === 0 ? 'storage' : databases === artifacts.length ? 'db' : 'full';
}

async function writeSource(
  context: OperationContext,
  target: ArtifactTarget,
  source: Source,
  previous: Manifest | null,
  artifacts: ManifestArtifact[],
  problems: ManifestProblem[],
): Promise<void> {
  const { progress, signal } = context;
  await withScratchFolder(context, async (scratchFolder) => {
    const session = await source.open({ progress, signal, scratchFolder });
    try {
      progress.phase(source.name, { bytes: session.estimatedBytes ?? sizeBefore(previous, source.name) });
      for (const artifact of session.artifacts) {
        signal.throwIfAborted();
        const name = freeName(artifacts, source.name, artifact.name);
        const before = previous?.artifacts.find((one) => one.source === source.name && one.name === name);
        const written = await writeArtifact(target, source.name, name, artifact, before ?? null);
        artifacts.push(written.artifact);
        problems.push(...written.problems);
        for (const { path, message } of written.problems) progress.warn(`${path}: ${message}`);
      }
    } finally {
      await session.close();
    }
  });
}

/** What a source held the last time is the best guess of what it holds now; null without a last time. */
function sizeBefore(previous: Manifest | null, source: string): number | null {
  const artifacts = previous?.artifacts.filter((artifact) => artifact.source === source) ?? [];
  return artifacts.length === 0 ? null : artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Two sources may give artifacts of one name: the second is prefixed with its source. */
function freeName(artifacts: readonly ManifestArtifact[], source: string, name: string): string {
  const isTaken = (candidate: string) => artifacts.some((artifact) => artifact.name === candidate);
  if (!isTaken(name)) return name;
  const prefixed = `${source.replaceAll('/', '_')}-${name}`;
  for (let number = 2, candidate = prefixed; ; number += 1) {
    if (!isTaken(candidate)) return candidate;
    candidate = `${prefixed}-${number}`;
  }
}

/** The last one this machine made, where it remembers it; else the newest that is found without looking for long. */
async function previousBackup(
  { repository }: OperationContext,
  { plan, tenantId, type, madeAtMs }: RunRequest,
): Promise<Manifest | null> {
  const last = type && repository.lastSeen({ plan, tenantId, type });
  const remembered = last && (await repository.manifests.read(last).catch(unusable));
  // What an imported backup says of itself was never checked as a source is.
  const mayBe = (manifest: Manifest) => madeAtMs !== undefined || !isImported(manifest);
  if (remembered && mayBe(remembered)) return remembered;
  let seen = 0;
  for await (const { manifest } of repository.manifests.readAll()) {
    if (manifest.plan === plan && manifest.tenantId === tenantId && mayBe(manifest)) return manifest;
    seen += 1;
    if (seen === LOOK_BACK) break;
  }
  return null;
}

/** It was moved or purged since, or is damaged: then another will do. */
function unusable(error: unknown): null {
  if (rejectionOf('', error)) return null;
  throw error;
}
