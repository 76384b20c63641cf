import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits, so that a plain hash of it is enough to store. `prefix` lets people and scanners recognise it. */
export const newSecret = (prefix: string) => `${prefix}${randomBytes(32).toString('base64url')}`;

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

/** Without telling by its duration how much is equal. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(one), 'hex'), Buffer.from(hashOf(other), 'hex'));
}
