import { randomBytes } from 'node:crypto';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey, type SigningKey } from '../../src/engine/crypto/signing.ts';
import type { ManifestDraft } from '../../src/engine/repository/manifest.ts';
import {
  type CreateOptions,
  createRepository,
  type OpenOptions,
  openRepository,
  type Repository,
} from '../../src/engine/repository/repository.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { clockedStorage } from './clocked-storage.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

export function rawCredential(): Credential {
  return { kind: 'raw', key: randomBytes(32) };
}

/** A repository in memory whose storage and users share one clock that stands still until told. */
export interface RepositoryWorld {
  readonly clock: FakeClock;
  readonly storage: Storage;
  readonly credential: Credential;
  readonly signingKey: SigningKey;
  readonly repository: Repository;
  open(options?: Partial<OpenOptions>): Promise<Repository>;
}

export async function repositoryWorld(options: Partial<CreateOptions> = {}): Promise<RepositoryWorld> {
  const clock = fakeClock();
  const storage = clockedStorage(memoryStorage(), clock);
  const credential = rawCredential();
  const signingKey = newSigningKey();
  const repository = await createRepository({ storage, credential, clock, signingKey, ...options });
  return {
    clock,
    storage,
    credential,
    signingKey,
    repository,
    open: (given = {}) => openRepository({ storage, credentials: [credential], clock, signingKey, ...given }),
  };
}

/** A draft without artifacts, started now. */
export function draftAt(repository: Repository, fields: Partial<ManifestDraft> = {}): ManifestDraft {
  const now = new Date(repository.clock.nowMs()).toISOString();
  return {
    plan: 'nightly',
    tenantId: null,
    type: 'db',
    complete: true,
    startedAt: now,
    finishedAt: now,
    host: 'test',
    program: 'holdfast test',
    tools: {},
    previous: null,
    artifacts: [],
    problems: [],
    statistics: {},
    ledgerHead: null,
    ...fields,
  };
}

/** Every object name on storage. */
export async function namesOf(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names;
}

/** Puts other bytes in the place of an object, as only somebody with the storage in his hands can. */
export async function overwrite(storage: Storage, name: string, bytes: Uint8Array): Promise<void> {
  await storage.remove(name);
  await storage.put(name, bytes);
}
