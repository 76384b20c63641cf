import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, HoldfastError, systemCode } from '../base/errors.ts';
import type { Credential } from '../crypto/key-text.ts';
import { newSigningKey, type SigningKey, signingKeyFromPem, toPem } from '../crypto/signing.ts';
import { createRepository, openRepository, type Repository } from '../repository/repository.ts';
import { readConfig } from '../repository/repository-config.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { Storage } from '../storage/port.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';
import type { CopyPlace } from './copy-place.ts';
import { writeNewFile } from './write-file.ts';

export interface OpenRequest {
  readonly address: string;
  readonly storage?: StorageSettings;
  /** The first is for a new repository. */
  readonly credentials: readonly Credential[];
  /** Made when missing. */
  readonly signingKeyFile: string;
  readonly stateFolder: string;
  /** Makes the repository when there is none; `always` refuses one that is there. */
  readonly create?: 'if-missing' | 'always';
  /** See `OpenEngineOptions`. */
  readonly differences?: boolean;
  readonly like?: { readonly copyPlace: CopyPlace };
  /** See `OpenOptions`. */
  readonly whileDeriving?: () => void;
}

export interface OpenedRepository {
  readonly repository: Repository;
  readonly signingKey: SigningKey;
}

/**
 * Opens or makes a repository. Throws `key_missing`, `key_wrong`, `repository_missing`, `repository_exists`,
 * `repository_newer`, `storage_*`. The caller closes `repository.storage`.
 */
export async function openOrCreate(request: OpenRequest): Promise<OpenedRepository> {
  const opened = await openStorage(request.address, request.storage);
  const { differences = opened.readsAreCheap ?? false } = request;
  const storage: Storage = { ...opened, readsAreCheap: differences };
  try {
    if (request.credentials.length === 0) {
      await readConfig(storage);
      throw new HoldfastError('key_missing');
    }
    const signingKey = await readSigningKey(request.signingKeyFile);
    return { repository: await open(request, storage, signingKey), signingKey };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function open(request: OpenRequest, storage: Storage, signingKey: SigningKey): Promise<Repository> {
  const { credentials, stateFolder } = request;
  const kin = request.like?.copyPlace;
  const like = kin?.layout === 'repository' ? { like: kin.context.repository.chunkSecrets() } : {};
  const common = { storage, signingKey, stateFolder };
  if (request.create === 'always')
    return createRepository({ ...common, ...like, credential: credentials[0]! });
  try {
    const { whileDeriving } = request;
    return await openRepository({ ...common, credentials, ...(whileDeriving ? { whileDeriving } : {}) });
  } catch (error) {
    if (request.create === undefined || codeOf(error) !== 'repository_missing') throw error;
    return createRepository({ ...common, ...like, credential: credentials[0]! });
  }
}

/** The key that signs this host's backups, made when missing. It never leaves the host. */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const pem = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw new HoldfastError('storage_denied', `the signing key ${file} cannot be read`, { cause: error });
  });
  if (pem !== null) return signingKeyFromPem(pem);
  const key = newSigningKey();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  async function* content() {
    yield Buffer.from(toPem(key));
  }
  const { signal } = new AbortController();
  await writeNewFile({ target: file, content: content(), sha256: null, replace: false, signal });
  return key;
}
