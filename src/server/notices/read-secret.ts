import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { SecretAddress, SecretReference } from '../../contracts/config-channels.ts';
import { type Environment, interpolate } from '../../contracts/interpolate.ts';
import { HoldfastError, systemCode } from '../../engine/index.ts';

/** Where secrets of channels are found. */
export interface SecretPlace {
  readonly environment: Environment;
  /** Files are relative to this. */
  readonly folder: string;
}

/** The secret, without the line break a file ends in. `what` names it for people. Throws `secret_missing`. */
export async function readSecret(
  reference: SecretReference,
  what: string,
  place: SecretPlace,
): Promise<string> {
  const text = reference.file
    ? await readFileOf(resolve(place.folder, reference.file), what)
    : (place.environment[reference.env!] ?? '');
  if (text !== '') return text;
  const where = reference.file ? `the file ${reference.file} is empty` : `${reference.env} is not set`;
  throw new HoldfastError('secret_missing', `${what}: ${where}`);
}

async function readFileOf(file: string, what: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new HoldfastError('secret_missing', `${what}: ${file} cannot be read: ${systemCode(error)}`, {
      cause: error,
    });
  }
}

/** The address of a channel, which may be a secret as a whole or hold variables. Throws `secret_missing`. */
export async function readAddress(address: SecretAddress, what: string, place: SecretPlace): Promise<string> {
  if (typeof address !== 'string') return readSecret(address, what, place);
  const result = interpolate(address, place.environment);
  if ('value' in result) return result.value;
  throw new HoldfastError('secret_missing', `${what}: ${result.missing} is not set`);
}
