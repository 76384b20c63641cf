import { codeOf, type ErrorCode, HoldfastError } from '../base/errors.ts';
import {
  type CommitOptions,
  commitManifest,
  type ManifestReader,
  type ManifestStoreOptions,
} from './commit-manifest.ts';
import { openHolds } from './holds.ts';
import { inOrder } from './in-order.ts';
import { isApart, type Manifest, type ManifestDraft } from './manifest.ts';
import { listManifests, stagedName } from './manifest-list.ts';
import type { ManifestRef, ManifestState } from './manifest-path.ts';
import { acceptManifest, openManifestBody, SIGNER_UNKNOWN, signerOfBody } from './manifest-seal.ts';
import { signerName } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { isDamage } from './sealed-json.ts';
import { listSigners, type SignerList } from './signers.ts';

/** Something that lies where manifests lie and is not a backup. */
export interface RejectedManifest {
  readonly name: string;
  readonly code: ErrorCode;
  readonly why: string;
  /** True when it is whole and in its place and only its signer is not known: perhaps the signer object was lost. */
  readonly signerUnknown?: boolean;
}

export interface ReadManifest {
  readonly ref: ManifestRef;
  readonly manifest: Manifest;
}

export type { CommitOptions, ManifestStoreOptions } from './commit-manifest.ts';

export interface Manifests {
  /** Names that could be manifests, ascending. Unproven: what is shown to people comes from `readAll`. */
  list(state?: ManifestState): AsyncIterable<ManifestRef>;
  /** Checks seal, signature, signer, repository and place. Throws `manifest_forged`, `object_damaged`, `object_missing`, `key_wrong`. */
  read(ref: ManifestRef): Promise<Manifest>;
  /** Every backup that passes all checks, newest first; what fails them goes to `onRejected` and is not a backup. */
  readAll(options?: {
    readonly state?: ManifestState;
    readonly onRejected?: (rejected: RejectedManifest) => void;
  }): AsyncIterable<ReadManifest>;
  /**
   * Finds a backup that passes all checks by the beginning of its id, or `latest` for the newest listed one.
   * Looks into the archive when `states` names it. Throws `id_unknown`, `id_ambiguous`.
   */
  resolve(text: string, states?: readonly ManifestState[]): Promise<ReadManifest>;
  /**
   * Makes a backup real: the manifest is written last and read back. `usedPacks` are the packs it depends on.
   * Throws `run_too_long`, `object_missing` (a pack is gone), `key_missing` (no signing key), `key_wrong` (read-only);
   * then there is no backup and the run may be repeated.
   */
  commit(draft: ManifestDraft, usedPacks: Iterable<string>, options?: CommitOptions): Promise<Manifest>;
  /** Soft delete. Throws `hold_active`, and whatever `read` throws. Idempotent. */
  archive(ref: ManifestRef): Promise<ManifestRef>;
  /** Undoes a soft delete. Idempotent. */
  restore(ref: ManifestRef): Promise<ManifestRef>;
  /** Deletes an archived manifest for good. Throws `usage` for one that is not archived, `hold_active`. */
  purge(ref: ManifestRef): Promise<void>;
}

/** Null when the error says nothing about the manifest, such as a storage that does not answer. */
export function rejectionOf(name: string, error: unknown): RejectedManifest | null {
  if (isDamage(error)) {
    const signerUnknown = error.cause === SIGNER_UNKNOWN;
    return { name, code: error.code, why: error.message, ...(signerUnknown ? { signerUnknown } : {}) };
  }
  return codeOf(error) === 'object_missing' ? { name, code: 'object_missing', why: 'is gone' } : null;
}

/** Read ahead by whoever goes through many. */
export const MANIFESTS_AT_ONCE = 16;

export function openManifests(context: RepositoryContext, options: ManifestStoreOptions): Manifests {
  const reader = manifestReader(context, options.onSeen ?? (() => undefined));
  const { read } = reader;

  async function* readAll(given: Parameters<Manifests['readAll']>[0] = {}): AsyncGenerator<ReadManifest> {
    const refs: ManifestRef[] = [];
    for await (const ref of listManifests(context, given.state ?? 'backups')) refs.push(ref);
    const readOne = async (ref: ManifestRef): Promise<ReadManifest | RejectedManifest> => {
      try {
        return { ref, manifest: await read(ref) };
      } catch (error) {
        const rejected = rejectionOf(ref.name, error);
        if (!rejected) throw error;
        return rejected;
      }
    };
    const ahead = { atOnce: MANIFESTS_AT_ONCE, atFirst: 1 };
    for await (const found of inOrder(refs.sort(newestFirst), readOne, ahead)) {
      if ('manifest' in found) yield found;
      else given.onRejected?.(found);
    }
  }

  return {
    list: (state = 'backups') => listManifests(context, state),
    read,
    readAll,
    resolve: (text, states = ['backups']) => resolve(context, read, readAll, text, states),
    commit: (draft, usedPacks, given) =>
      commitManifest(context, { ...options, reader }, draft, usedPacks, given),
    async archive(ref) {
      requireWritable(context);
      await refuseHeld(context, ref);
      return move(context, read, ref, 'archived');
    },
    async restore(ref) {
      requireWritable(context);
      return move(context, read, ref, 'backups');
    },
    async purge(ref) {
      requireWritable(context);
      if (ref.state !== 'archived') throw new HoldfastError('usage', `${ref.name} is not archived`);
      await refuseHeld(context, ref);
      await context.storage.remove(ref.name);
      await context.storage.remove(stagedName(ref.name));
      options.onPurged?.(ref);
    },
  };
}

const newestFirst = (a: ManifestRef, b: ManifestRef) =>
  b.startedAt.localeCompare(a.startedAt) || b.id.localeCompare(a.id);

function manifestReader(context: RepositoryContext, onSeen: (manifest: Manifest) => void): ManifestReader {
  let cached: { epoch: number; list: Promise<SignerList> } | null = null;
  const signers = () => {
    if (cached?.epoch !== context.keys.epoch) {
      cached = { epoch: context.keys.epoch, list: listSigners(context) };
    }
    return cached.list;
  };

  async function accept(ref: ManifestRef, body: Buffer): Promise<Manifest> {
    const { valid } = await signers();
    const fingerprint = signerOfBody(body);
    const isNew =
      !valid.has(fingerprint) && (await context.storage.stat(signerName(context.keys.epoch, fingerprint)));
    if (isNew) cached = null;
    return acceptManifest(context, ref, body, (await signers()).valid);
  }

  return {
    know(signers) {
      cached = { epoch: context.keys.epoch, list: Promise.resolve(signers) };
    },
    async read(ref) {
      const bytes = await getManifest(context, ref.name);
      const { body } = openManifestBody(context, { name: ref.name, bytes });
      const manifest = await accept(ref, body);
      onSeen(manifest);
      return manifest;
    },
  };
}

/** The object itself, or what waits to take its place. Throws `object_missing`. */
async function getManifest(context: RepositoryContext, name: string): Promise<Buffer> {
  try {
    return await context.storage.get(name);
  } catch (error) {
    if (codeOf(error) !== 'object_missing') throw error;
    return context.storage.get(stagedName(name));
  }
}

async function resolve(
  context: RepositoryContext,
  read: Manifests['read'],
  readAll: Manifests['readAll'],
  text: string,
  states: readonly ManifestState[],
): Promise<ReadManifest> {
  if (text === 'latest') {
    for (const state of states) {
      for await (const found of readAll({ state })) if (!isApart(found.manifest)) return found;
    }
    throw new HoldfastError('id_unknown', 'there is no backup yet');
  }
  const matches: ReadManifest[] = [];
  let rejection: unknown = null;
  for (const state of states) {
    for await (const ref of listManifests(context, state)) {
      if (text === '' || !ref.id.startsWith(text.toLowerCase())) continue;
      try {
        matches.push({ ref, manifest: await read(ref) });
      } catch (error) {
        if (!rejectionOf(ref.name, error)) throw error;
        rejection = error;
      }
    }
  }
  if (matches.length === 1) return matches[0]!;
  if (matches.length > 1) {
    throw new HoldfastError('id_ambiguous', `${matches.length} backups begin with ${text}`);
  }
  if (rejection !== null) throw rejection;
  throw new HoldfastError('id_unknown', `no backup begins with ${text}`);
}

async function refuseHeld(context: RepositoryContext, ref: ManifestRef): Promise<void> {
  if (!(await openHolds(context).isHeld(ref.id))) return;
  throw new HoldfastError('hold_active', `backup ${ref.id} is on hold`);
}

async function move(
  context: RepositoryContext,
  read: Manifests['read'],
  ref: ManifestRef,
  state: ManifestState,
): Promise<ManifestRef> {
  const target: ManifestRef = {
    ...ref,
    state,
    name: `${state}/${ref.name.slice(ref.name.indexOf('/') + 1)}`,
  };
  if (ref.state === state) return target;
  await read(ref);
  const bytes = await getManifest(context, ref.name);
  // Something may lie there already: this move, interrupted before. Only what passes all checks may replace the source.
  if ((await context.storage.put(target.name, bytes)) === 'exists') await read(target);
  await context.storage.remove(ref.name);
  await context.storage.remove(stagedName(ref.name));
  const info = await context.storage.stat(target.name);
  return { ...target, modifiedAtMs: info?.modifiedAtMs ?? target.modifiedAtMs };
}
