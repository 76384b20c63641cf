/** Second factor: time-based codes (RFC 6238, SHA-1, 30 seconds, 6 digits, as every authenticator has them) and recovery codes. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { hashOf, isSame } from './secrets.ts';
import type { UserRow } from './users.ts';

const STEP_MS = 30_000;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const RECOVERY_CODES = 10;

export function newTotpSecret(): string {
  return [...randomBytes(32)].map((byte) => BASE32[byte % 32]).join('');
}

export const totpAddress = (name: string, secret: string) =>
  `otpauth://totp/Holdfast:${encodeURIComponent(name)}?secret=${secret}&issuer=Holdfast&algorithm=SHA1&digits=6&period=30`;

/** The code of a time step. */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const at = mac.at(-1)! & 0x0f;
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}

export const totpStep = (nowMs: number) => Math.floor(nowMs / STEP_MS);

/** The step that a code belongs to, one to either side of now allowed; null when it is wrong. */
export function matchingStep(secret: string, code: string, nowMs: number): number | null {
  const now = totpStep(nowMs);
  return [now, now - 1, now + 1].find((step) => isSame(totpCode(secret, step), code)) ?? null;
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((char) => BASE32.indexOf(char).toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** Checks the second factor of a user who has one; each code works once, also when sent twice at the same moment. */
export async function takeSecondFactor(
  { db, clock }: Catalog,
  user: UserRow,
  code: string,
  sealKey: Buffer,
): Promise<boolean> {
  const plain = code.replace(/[\s-]/g, '').toLowerCase();
  if (!/^\d{6}$/.test(plain)) {
    const used = await db
      .deleteFrom('recovery_codes')
      .where('user_id', '=', user.id)
      .where('code_hash', '=', hashOf(plain))
      .returning('user_id')
      .execute();
    return used.length > 0;
  }
  const step = matchingStep(unseal(user.totp_secret!, sealKey, user.id), plain, clock.nowMs());
  if (step === null) return false;
  const taken = await db
    .updateTable('users')
    .set({ totp_last_step: step })
    .where('id', '=', user.id)
    .where((eb) => eb.or([eb('totp_last_step', 'is', null), eb('totp_last_step', '<', step)]))
    .returning('id')
    .execute();
  return taken.length > 0;
}

/** New recovery codes in the place of all before; shown here only. */
export async function newRecoveryCodes(trx: CatalogDb, userId: string): Promise<string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, () => randomBytes(10).toString('hex'));
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
  await trx
    .insertInto('recovery_codes')
    .values(codes.map((code) => ({ user_id: userId, code_hash: hashOf(code) })))
    .execute();
  return codes.map((code) => code.match(/.{5}/g)!.join('-'));
}

/** Under a key that lies beside the catalog and not in it. Bound to its user. */
export function seal(secret: string, key: Buffer, userId: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 }).setAAD(Buffer.from(userId));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
}

export function unseal(sealed: string, key: Buffer, userId: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    .setAAD(Buffer.from(userId))
    .setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
}
