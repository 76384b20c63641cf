/** Keys as they are printed for a safe: groups of letters with a checksum. Layout: docs/format.md section 3, "Printed keys". */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { encodeBase32 } from '../crypto/base32.ts';
import { type Credential, keyText } from '../crypto/key-text.ts';
import { type KeyDerivation, SCRYPT_COST, type ScryptCost, wrapKey } from '../crypto/wrap.ts';

const VERSION = 1;
const CHECK_BYTES = 4;

/**
 * `hfk1-…` for a raw key and `hfp1-…` for a passphrase; with a passphrase of the kit's own `hfw1-…`, which opens
 * only together with it. Throws `usage` for a passphrase that would have to be wrapped under another.
 */
export async function printedKey(
  credential: Credential,
  kitPassphrase: string | null,
  cost: ScryptCost = SCRYPT_COST,
): Promise<string> {
  if (credential.kind === 'passphrase') {
    if (kitPassphrase === null) return printed('hfp1-', 'passphrase', Buffer.from(credential.passphrase));
    throw new HoldfastError('usage', 'the key is a passphrase, which needs no other one around it', {
      next: 'leave the passphrase of the kit away, or make the kit without the key: it opens with the passphrase',
    });
  }
  if (credential.kind === 'kms')
    throw new HoldfastError(
      'usage',
      `${credential.reference} never leaves its service and cannot be printed`,
    );
  if (kitPassphrase === null) return keyText(credential.key);
  const head = Buffer.of(VERSION, Math.log2(cost.n), cost.r, cost.p);
  const aad = Buffer.concat([Buffer.from('holdfast v1 printed key'), head]);
  const holder: Credential = { kind: 'passphrase', passphrase: kitPassphrase };
  const { kdf, wrapped, commitment } = await wrapKey(credential.key, holder, aad, cost);
  const { salt } = kdf as Extract<KeyDerivation, { readonly salt: string }>;
  const parts = [salt, wrapped, commitment].map((text) => Buffer.from(text, 'base64url'));
  return printed('hfw1-', 'wrapped key', Buffer.concat([head, ...parts]));
}

function printed(prefix: string, what: string, body: Buffer): string {
  const digest = createHash('sha256').update(`holdfast ${what}`).update(body).digest();
  const symbols = encodeBase32(Buffer.concat([body, digest.subarray(0, CHECK_BYTES)]));
  return prefix + (symbols.match(/.{1,6}/g) ?? []).join('-');
}

const GROUPS_OF_LINE = 6;

/** The same in lines that fit on paper; blanks and line ends do not matter when it is typed in again. */
export function inLines(text: string): string[] {
  const groups = text.split('-');
  const lines = [];
  for (let at = 0; at < groups.length; at += GROUPS_OF_LINE) {
    lines.push(groups.slice(at, at + GROUPS_OF_LINE).join('-'));
  }
  return lines;
}
