import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { KeyReference } from '../contracts/config.ts';
import { HoldfastError, systemCode } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import { type Destination, homeFolder } from './settings.ts';

/** Keys as texts, before the engine parses them. Never shown. */
export interface KeyTexts {
  /** The key for new backups; null when none is set. */
  readonly current: string | null;
  /** Keys that older backups may need. */
  readonly old: readonly string[];
}

/** Where a generated key is kept, in the data folder. */
export const KEY_FILE_NAME = 'encryption.key';

export function generatedKeyFile(cli: Cli): string {
  return join(homeFolder(cli.io), KEY_FILE_NAME);
}

/**
 * The keys of this run: what the configuration names for the destination, else BACKUP_ENCRYPTION_KEY or
 * BACKUP_ENCRYPTION_KEY_FILE, else the generated key of the data folder. Old keys come from the configuration,
 * BACKUP_ENCRYPTION_KEY_OLD and BACKUP_ENCRYPTION_KEY_OLD_FILE, one a line; a line with commas is tried whole
 * and in parts, since a passphrase may hold a comma. A key in a service (BACKUP_ENCRYPTION_KEY_ID, or the configuration) comes last.
 * Throws `key_missing` for a variable or file that is named and not there, `usage` for two current keys.
 */
export async function readKeyTexts(
  cli: Cli,
  destination: Pick<Destination, 'keys' | 'folder'>,
): Promise<KeyTexts> {
  const { environment } = cli.io;
  const references = destination.keys;
  const current = references?.current
    ? await fromReference(cli, references.current, destination.folder)
    : await fromEnvironment(cli);
  const named = await Promise.all(
    (references?.old ?? []).map((one) => fromReference(cli, one, destination.folder)),
  );
  const oldFile = environment.BACKUP_ENCRYPTION_KEY_OLD_FILE;
  const texts = [
    environment.BACKUP_ENCRYPTION_KEY_OLD ?? '',
    oldFile ? await fromFile(cli, resolve(cli.io.folder, oldFile), 'BACKUP_ENCRYPTION_KEY_OLD_FILE') : '',
  ];
  const inService = references?.encryptionKeyId ?? environment.BACKUP_ENCRYPTION_KEY_ID?.trim();
  const services = inService ? [inService] : [];
  return { current, old: [...new Set([...named, ...texts.flatMap(splitKeys), ...services])] };
}

/** Several keys in one text: see `readKeyTexts`. */
export function splitKeys(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.flatMap((line) => {
    const parts = line.split(',').map((part) => part.trim());
    const keys = parts.filter((part) => part !== '');
    if (parts.length === 1) return [line];
    return keys.every((key) => /^hfk1-/i.test(key)) ? keys : [line, ...keys];
  });
}

async function fromEnvironment(cli: Cli): Promise<string | null> {
  const { BACKUP_ENCRYPTION_KEY: text, BACKUP_ENCRYPTION_KEY_FILE: file } = cli.io.environment;
  if (text && file) {
    throw new HoldfastError('usage', 'both BACKUP_ENCRYPTION_KEY and BACKUP_ENCRYPTION_KEY_FILE are set', {
      next: 'unset one of them; keys of older backups go into BACKUP_ENCRYPTION_KEY_OLD',
    });
  }
  if (text) return text;
  if (file) return fromFile(cli, resolve(cli.io.folder, file), 'BACKUP_ENCRYPTION_KEY_FILE');
  try {
    return await fromFile(cli, generatedKeyFile(cli), 'HOLDFAST_HOME');
  } catch (error) {
    if (error instanceof HoldfastError && systemCode(error.cause) === 'ENOENT') return null;
    throw error;
  }
}

async function fromReference(cli: Cli, reference: KeyReference, folder: string): Promise<string> {
  if (reference.file) return fromFile(cli, resolve(folder, reference.file), 'the keys of the destination');
  const text = cli.io.environment[reference.env!];
  if (text) return text;
  throw new HoldfastError('key_missing', `the environment variable ${reference.env} is not set`, {
    next: `set ${reference.env}`,
  });
}

const warned = new WeakMap<Cli['io'], Set<string>>();

/** False when this run was warned about the file before: several destinations read the same one. */
function isFirst({ io }: Cli, file: string): boolean {
  const files = warned.get(io) ?? new Set();
  if (files.has(file)) return false;
  warned.set(io, files.add(file));
  return true;
}

/** The text of a key file without its last line end; warns when others may read the file. `named` is what names it. */
export async function fromFile(cli: Cli, file: string, named: string): Promise<string> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0 && isFirst(cli, file)) {
      cli.note(`warning: the key file ${file} can be read by others; run chmod 600 ${file}`);
    }
    text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${systemCode(error)}`;
    throw new HoldfastError('key_missing', `the key file ${file} ${why}`, {
      cause: error,
      next: `check ${named}, and owner and permissions of the file`,
    });
  }
  if (text.trim() === '') throw new HoldfastError('key_missing', `the key file ${file} is empty`);
  return text;
}

/** Writes a key to a new file, 0600 and durable, in a folder that is made 0700. Throws `usage` when it exists. */
export async function writeKeyFile(file: string, text: string): Promise<void> {
  await mkdir(resolve(file, '..'), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
    throw new HoldfastError('usage', `${file} is there already`, { next: 'choose another file name' });
  });
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
