import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KeyReference } from '../contracts/config.ts';
import { HoldfastError, systemCode } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';

/**
 * A secret as the variable or the file that its `_FILE` names holds it, but for the line break a file ends in; null for
 * neither. Throws `usage` for both, `storage_denied` for a file that cannot be read.
 */
export async function secretVariable(cli: Cli, name: string): Promise<string | null> {
  const text = cli.io.environment[name];
  const file = cli.io.environment[`${name}_FILE`];
  if (text && file) throw new HoldfastError('usage', `both ${name} and ${name}_FILE are set`);
  if (text) return text;
  return file ? (await readNamedFile(cli, file, `${name}_FILE`)).replace(/\r?\n$/, '') : null;
}

/**
 * A secret that the configuration refers to, but for the line break a file ends in. `what` is the field, for people. Throws
 * `storage_denied` for a variable that is not set and a file that cannot be read.
 */
export async function referredSecret(
  cli: Cli,
  reference: KeyReference,
  folder: string,
  what: string,
): Promise<string> {
  if (reference.file) {
    return (await readNamedFile(cli, resolve(folder, reference.file), what)).replace(/\r?\n$/, '');
  }
  const text = cli.io.environment[reference.env!];
  if (text) return text;
  throw new HoldfastError('storage_denied', `the environment variable ${reference.env} is not set`, {
    next: `set ${reference.env}, which ${what} of the configuration names`,
  });
}

/** The file that a variable names. Throws `storage_denied`. */
export async function readNamedFile(cli: Cli, file: string, variable: string): Promise<string> {
  try {
    return await readFile(resolve(cli.io.folder, file), 'utf8');
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${systemCode(error)}`;
    throw new HoldfastError('storage_denied', `the file ${file} ${why}`, {
      cause: error,
      next: `check ${variable} and the permissions of the file`,
    });
  }
}
