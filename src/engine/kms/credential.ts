import { HoldfastError } from '../base/errors.ts';
import { type Credential, type KmsKey, parseKeyText } from '../crypto/key-text.ts';
import { type AwsKmsSettings, awsKmsKey } from './aws-kms.ts';
import { type VaultSettings, vaultTransitKey } from './vault-transit.ts';

/** How to log in to services that hold keys. */
export interface KmsSettings {
  readonly aws?: AwsKmsSettings;
  readonly vault?: VaultSettings;
}

const KINDS = ['aws-kms:', 'vault-transit:'] as const;

/** True for a text that names a key of a service instead of being one. */
export const isKmsReference = (text: string) => KINDS.some((kind) => text.startsWith(kind));

/** What a text given as key means: see `parseKeyText`; or a reference. Nothing is asked yet. Throws `key_malformed`, `key_missing`. */
export function credentialOf(text: string, settings: KmsSettings = {}): Credential {
  const reference = text.trim();
  return isKmsReference(reference) ? kmsKeyOf(reference, settings) : parseKeyText(text);
}

/** The key of a service that a reference names. Throws `key_malformed`. */
export function kmsKeyOf(reference: string, { aws, vault }: KmsSettings): KmsKey {
  const key = reference.startsWith('aws-kms:')
    ? awsKmsKey(reference, aws ?? {})
    : vaultTransitKey(reference, vault ?? {});
  if (key) return key;
  throw new HoldfastError('key_malformed', `${reference.slice(0, 200)} names no key of a service`, {
    next: 'write it as aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID or vault-transit:MOUNT/KEY',
  });
}
