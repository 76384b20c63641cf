/** What can be said about the text of a key without a repository. */
import { parseKeyText, rawKeyId, isWeakPassphrase as weaknessOf } from './crypto/key-text.ts';

/** 16 hex digits that tell keys apart; null for a passphrase, whose id needs its slot. */
export function keyIdOf(keyText: string): string | null {
  const credential = parseKeyText(keyText);
  return credential.kind === 'raw' ? rawKeyId(credential.key) : null;
}

/** Why a passphrase is easy to guess; null when nothing speaks against it, or for a random key. */
export function isWeakPassphrase(text: string): string | null {
  return parseKeyText(text).kind === 'raw' ? null : weaknessOf(text);
}
