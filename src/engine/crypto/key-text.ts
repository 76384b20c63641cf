/** Keys as people hold them. Layout: docs/format.md section 3, "Raw key text". */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { KEY_BYTES } from './gcm.ts';
import { hkdf } from './hkdf.ts';

/** What opens a key slot. */
export type Credential =
  | { readonly kind: 'raw'; readonly key: Buffer }
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | KmsKey;

/** A key that never leaves a key management service: the port behind which each of them stands. */
export interface KmsKey {
  readonly kind: 'kms';
  /** As people write it and slots name it: `aws-kms:arn:…`, `vault-transit:mount/key`. */
  readonly reference: string;
  /**
   * Has 32 bytes encrypted. `context` is what they are for, in hex: a service that can binds them to it. Throws `kms_unreachable`, `kms_refused`.
   */
  encrypt(plain: Buffer, context: string): Promise<Buffer>;
  /** What the service says they are; the caller checks it. Throws as `encrypt`. */
  decrypt(sealed: Buffer, context: string): Promise<Buffer>;
}

const PREFIX = 'hfk1-';
/** The digit one is often read as a letter. */
const PREFIX_AS_TYPED = /^hfk[1il][-\s]/i;
/** Printed forms of a recovery kit, see docs/format.md section 3. */
const PRINTED_PASSPHRASE = /^hfp[1il][-\s]/i;
const PRINTED_WRAPPED = /^hfw[1il][-\s]/i;
const CHECK_BYTES = 4;
const BODY_CHARACTERS = Math.ceil(((KEY_BYTES + CHECK_BYTES) * 8) / 5);

/** A new random key as text, `hfk1-…`: 256 bits, with a checksum against mistyping. */
export function generateKeyText(): string {
  return keyText(randomBytes(KEY_BYTES));
}

/** The text form of a raw 32-byte key. */
export function keyText(key: Uint8Array): string {
  const groups = encodeBase32(Buffer.concat([key, checksum(key)])).match(/.{1,6}/g) ?? [];
  return PREFIX + groups.join('-');
}

/**
 * What a text given as key means, also the KEY.txt of a recovery kit with its lines of explanation: `hfk1-…` is a raw key (upper or lower case, blanks for dashes, o for 0 and
 * i or l for 1 are forgiven), anything else a passphrase, taken as it is but for line ends behind it.
 * Throws `key_malformed` for a raw key with a mistake in it, `key_missing` for an empty text.
 */
export function parseKeyText(text: string): Credential {
  const passphrase = text.replace(/[\r\n]+$/, '');
  if (passphrase.trim() === '') throw new HoldfastError('key_missing');
  const typed = withoutRemarks(passphrase);
  if (PRINTED_PASSPHRASE.test(typed)) return printedPassphrase(typed);
  if (PRINTED_WRAPPED.test(typed)) {
    throw new HoldfastError(
      'key_malformed',
      'the key text is wrapped under the passphrase of a recovery kit',
      {
        next: 'unwrap it first: node holdfast-decode.mjs key --key-file KEY.txt',
      },
    );
  }
  if (PREFIX_AS_TYPED.test(typed)) {
    const key = decodeBody(typed.slice(PREFIX.length));
    if (key === null) throw malformed('its checksum does not fit: a character is wrong or missing');
    return { kind: 'raw', key };
  }
  // A slip in the prefix must not turn a key into a passphrase that opens nothing.
  const tail = typed.replace(/[-\s]/g, '').slice(-BODY_CHARACTERS);
  if (decodeBody(tail) !== null) throw malformed(`it must begin with ${PREFIX}`);
  if (typed.split('\n').some(isWholeKey)) throw malformed('other lines stand around it: give the key alone');
  return { kind: 'passphrase', passphrase };
}

/** Such as in the saved output of a command: who writes down the key alone could open nothing. */
function isWholeKey(line: string): boolean {
  const text = line.trim();
  return PREFIX_AS_TYPED.test(text) && decodeBody(text.slice(PREFIX.length)) !== null;
}

/** 16 hex digits that tell raw keys apart; they reveal nothing about the key. */
export function rawKeyId(key: Uint8Array): string {
  return hkdf(key, null, 'holdfast v1 key id', 8).toString('hex');
}

/** The same for a key in a service: it tells references apart, and so tells nothing secret. */
export function kmsKeyId(reference: string): string {
  return createHash('sha256').update('holdfast kms key').update(reference).digest('hex').slice(0, 16);
}

/** Why a passphrase is easy to guess, for a warning; null when nothing speaks against it. */
export function isWeakPassphrase(text: string): string | null {
  const characters = [...text];
  if (characters.length < 12) return 'it is shorter than 12 characters';
  if (new Set(characters).size < 6) return 'it repeats a few characters';
  if (/^\d+$/.test(text)) return 'it is digits only';
  if (isRun(text.toLowerCase())) return 'it is a run of neighbouring characters';
  const word = COMMON.find((common) => text.toLowerCase().includes(common));
  if (word !== undefined && text.length - word.length < 10) return `it is little more than "${word}"`;
  return null;
}

const COMMON = [
  'password',
  'passwort',
  'changeme',
  'letmein',
  'welcome',
  'secret',
  'qwert',
  'admin',
  'backup',
];

function isRun(text: string): boolean {
  let steps = 0;
  for (let i = 1; i < text.length; i += 1) {
    if (Math.abs(text.charCodeAt(i) - text.charCodeAt(i - 1)) <= 1) steps += 1;
  }
  return steps >= (text.length - 1) * 0.8;
}

/** What was printed has lines that begin with `#`; a passphrase may have them, too, and is then left as it is. */
function withoutRemarks(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*#/.test(line));
  const rest = lines.join('\n').trim();
  return /^hf[kwp][1il][-\s]/i.test(rest) ? rest : text.trim();
}

function printedPassphrase(typed: string): Credential {
  const bytes = decodeBase32(typed.slice(PREFIX.length).replace(/[-\s]/g, ''));
  const body = bytes?.subarray(0, -CHECK_BYTES) ?? Buffer.alloc(0);
  const check = createHash('sha256').update('holdfast passphrase').update(body).digest();
  if (body.length === 0 || !check.subarray(0, CHECK_BYTES).equals(bytes!.subarray(-CHECK_BYTES))) {
    throw malformed('its checksum does not fit: a character is wrong or missing');
  }
  return { kind: 'passphrase', passphrase: body.toString() };
}

function decodeBody(body: string): Buffer | null {
  const symbols = body.replace(/[-\s]/g, '');
  if (symbols.length !== BODY_CHARACTERS) return null;
  const bytes = decodeBase32(symbols);
  if (bytes === null) return null;
  const key = bytes.subarray(0, KEY_BYTES);
  return timingSafeEqual(checksum(key), bytes.subarray(KEY_BYTES)) ? Buffer.from(key) : null;
}

function checksum(key: Uint8Array): Buffer {
  return createHash('sha256').update('holdfast key').update(key).digest().subarray(0, CHECK_BYTES);
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('key_malformed', `the key text is damaged: ${why}`);
}
