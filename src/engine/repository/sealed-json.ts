import type { z } from 'zod';
import { codeOf, type ErrorCode, HoldfastError } from '../base/errors.ts';
import { openObject, sealObject } from '../crypto/sealed-object.ts';
import type { RepositoryContext } from './repository-context.ts';

/** Kinds of sealed object whose body is JSON. */
export type JsonObjectType = 'signer' | 'hold' | 'tombstone' | 'lease' | 'evidence';

/** Seals a value under the current epoch. */
export function sealJson(context: RepositoryContext, type: JsonObjectType, value: unknown): Buffer {
  const { keys } = context;
  return sealObject({
    type,
    epoch: keys.epoch,
    masterKey: keys.masterKey(keys.epoch),
    repositoryId: keys.repositoryId,
    payload: Buffer.from(JSON.stringify(value)),
  });
}

/** Opens what `sealJson` sealed. Throws `object_damaged` naming the object, `key_wrong` for an epoch not open. */
export function openJson<T>(
  context: RepositoryContext,
  type: JsonObjectType,
  object: { readonly name: string; readonly bytes: Buffer },
  schema: z.ZodType<T>,
): { value: T; epoch: number } {
  const { keys } = context;
  try {
    const opened = openObject({
      bytes: object.bytes,
      type,
      repositoryId: keys.repositoryId,
      masterKeyOf: (epoch) => keys.masterKey(epoch),
    });
    return { value: schema.parse(JSON.parse(opened.payload.toString('utf8'))), epoch: opened.epoch };
  } catch (error) {
    throw named(error, object.name);
  }
}

/** The same error with the object's name in front; anything that is not ours becomes `object_damaged`. */
export function named(error: unknown, name: string): HoldfastError {
  if (!(error instanceof HoldfastError)) {
    return new HoldfastError('object_damaged', `${name} does not decode`, { cause: error });
  }
  if (error.message.startsWith(name)) return error;
  return new HoldfastError(error.code, `${name}: ${error.message}`, { cause: error, next: error.next });
}

const DAMAGE: readonly ErrorCode[] = [
  'object_damaged',
  'key_wrong',
  'repository_newer',
  'limit_exceeded',
  'manifest_forged',
];

/** True when the error says that the object's bytes are not what they should be, not that storage failed. */
export function isDamage(error: unknown): error is HoldfastError {
  const code = codeOf(error);
  return code !== null && DAMAGE.includes(code);
}
