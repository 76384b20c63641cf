import { HoldfastError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { SigningKey } from '../crypto/signing.ts';
import { checkRunTime, checkUsedPacks, type RunTimer } from './commit-check.ts';
import { decodeManifest, encodeManifest, type Manifest, type ManifestDraft } from './manifest.ts';
import { type ManifestRef, manifestPath, parseManifestName } from './manifest-path.ts';
import { sealManifestBody, signManifest } from './manifest-seal.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { ensuredSigners, type SignerList } from './signers.ts';
import { together } from './together.ts';

export interface CommitOptions {
  /** Measures the run by both clocks. Without it only `startedAt` and the wall clock count. */
  readonly timer?: RunTimer;
}

export interface ManifestReader {
  /** See `Manifests.read`. */
  read(ref: ManifestRef): Promise<Manifest>;
  /** Takes signers of the current epoch that were just read, so that they are not read again. */
  know(signers: SignerList): void;
}

export interface ManifestStoreOptions {
  readonly signingKey: SigningKey | null;
  readonly graceMs: number;
  /** Told about every manifest that passed all checks, and every one purged. */
  readonly onSeen?: (manifest: Manifest) => void;
  readonly onPurged?: (ref: ManifestRef) => void;
  /** Tests only: the check that a negative control leaves out. */
  readonly checkPacks?: typeof checkUsedPacks;
}

interface CommitPort extends Pick<ManifestStoreOptions, 'signingKey' | 'graceMs' | 'checkPacks'> {
  readonly reader: ManifestReader;
}

/** See `Manifests.commit`. */
export async function commitManifest(
  context: RepositoryContext,
  port: CommitPort,
  draft: ManifestDraft,
  usedPacks: Iterable<string>,
  given: CommitOptions = {},
): Promise<Manifest> {
  const check = port.checkPacks ?? checkUsedPacks;
  const { signingKey, graceMs, reader } = port;
  requireWritable(context);
  if (!signingKey) {
    throw new HoldfastError('key_missing', 'no signing key was given, so no backup can be committed');
  }
  const timer = given.timer ?? wallTimer(context, draft.startedAt);
  const manifest = completeManifest(context, draft);
  const packs = new Set(usedPacks);
  const [signers] = await together(ensuredSigners(context, signingKey), check(context, packs, timer));
  reader.know(signers.list);
  checkRunTime(timer, graceMs);

  const name = `backups/${manifestPath(manifest)}`;
  const bytes = sealManifestBody(context, signManifest(context, manifest, signingKey));
  const outcome = await context.storage.put(name, bytes);
  // A put may be answered `exists` when its first answer was lost.
  if (outcome === 'exists' && !(await context.storage.get(name)).equals(bytes)) {
    throw new HoldfastError('object_exists', `${name} is there already`);
  }
  try {
    checkRunTime(timer, graceMs);
    await reader.read(parseManifestName({ name, sizeBytes: bytes.length, modifiedAtMs: 0 })!);
  } catch (error) {
    // The write itself took so long that prune may have passed in between: better no backup than a hollow one.
    await context.storage.remove(name);
    throw error;
  }
  return manifest;
}

function completeManifest(context: RepositoryContext, draft: ManifestDraft): Manifest {
  const id = draft.id ?? newId(context.clock.nowMs());
  const manifest: Manifest = { version: 1, ...draft, id, repositoryId: context.id };
  if (decodeManifest(encodeManifest(manifest)) === null) {
    throw new HoldfastError('internal', `the manifest of backup ${id} is not valid`);
  }
  return manifest;
}

/** A run measured by its own word for when it began. A start in the future is no measure at all. */
function wallTimer(context: RepositoryContext, startedAt: string): RunTimer {
  const startedAtMs = Date.parse(startedAt);
  const elapsedMs = () => context.clock.nowMs() - startedAtMs;
  if (elapsedMs() < 0) {
    throw new HoldfastError('clock_skew', 'the clock was set back during the run');
  }
  return { startedAtMs, elapsedMs };
}
