import { chmod, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  HoldfastError,
  newSigningKey,
  type SigningKey,
  signingKeyFromPem,
  systemCode,
  toPem,
} from '../../engine/index.ts';

/** The private keys of this host: one file each, 0600, in a folder 0700. They are in no database and in no backup. */
export interface PrivateKeys {
  readonly folder: string;
  /** Null when this host does not have it. Throws `key_malformed`. */
  find(keyId: string): Promise<SigningKey | null>;
  /** Every key there is, in no order that matters. */
  list(): Promise<SigningKey[]>;
  /** Makes one. It is durable when this resolves. */
  create(): Promise<SigningKey>;
  /** Removing what is gone succeeds. */
  remove(keyId: string): Promise<void>;
}

const FILE = /^([0-9a-f]{64})\.pem$/;

export const keyIdOfKey = (key: SigningKey) => key.fingerprint.toString('hex');

export function openPrivateKeys(folder: string): PrivateKeys {
  const known = new Map<string, SigningKey>();
  const pathOf = (keyId: string) => join(folder, `${keyId}.pem`);
  const find = async (keyId: string): Promise<SigningKey | null> => {
    const cached = known.get(keyId);
    if (cached) return cached;
    const pem = await textOrNull(pathOf(keyId));
    if (pem === null) return null;
    const key = signingKeyFromPem(pem);
    if (keyIdOfKey(key) !== keyId) {
      throw new HoldfastError('key_malformed', `${pathOf(keyId)} holds another key than its name says`);
    }
    known.set(keyId, key);
    return key;
  };
  return {
    folder,
    find,
    async list() {
      const names = await readdir(folder).catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') return [];
        throw unreadable(folder, error);
      });
      const keys: SigningKey[] = [];
      for (const name of names.sort()) {
        const keyId = FILE.exec(name)?.[1];
        const key = keyId ? await find(keyId) : null;
        if (key) keys.push(key);
      }
      return keys;
    },
    async create() {
      const key = newSigningKey();
      const keyId = keyIdOfKey(key);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
      await writeDurably(pathOf(keyId), toPem(key), folder);
      known.set(keyId, key);
      return key;
    },
    async remove(keyId) {
      known.delete(keyId);
      await rm(pathOf(keyId), { force: true });
    },
  };
}

async function textOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): HoldfastError {
  return new HoldfastError(
    'ledger_key_missing',
    `${path} cannot be read: ${systemCode(error) ?? (error as Error).message}`,
    { cause: error, next: 'check its owner and permissions' },
  );
}

async function writeDurably(file: string, text: string, folder: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const parent = await open(folder, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
