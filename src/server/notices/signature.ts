/**
 * The signature of webhooks, in the form that Stripe made common: `t=<seconds since 1970>,v1=<hex>`, where `v1` is the HMAC-SHA-256
 * of `<t>.<body>` under the shared secret. The time is signed, so that a captured notice cannot be sent again later.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How old a notice a receiver should take. */
export const TOLERANCE_SECONDS = 300;

export function signatureOf(secret: string, body: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `t=${seconds},v1=${hmac(secret, seconds, body).toString('hex')}`;
}

/** What a receiver does with header and body, exactly as they came. Any `v1` that fits is enough; unknown fields are ignored. */
export function verifySignature(
  secret: string,
  header: string,
  body: string,
  nowMs: number,
  toleranceSeconds = TOLERANCE_SECONDS,
): boolean {
  const fields = header.split(',').map((field) => field.trim().split('=') as [string, string?]);
  const time = fields.find(([name]) => name === 't')?.[1] ?? '';
  if (!/^\d{1,12}$/.test(time)) return false;
  if (Math.abs(nowMs / 1000 - Number(time)) > toleranceSeconds) return false;
  const expected = hmac(secret, Number(time), body);
  return fields
    .filter(([name, value]) => name === 'v1' && /^[0-9a-f]{64}$/.test(value ?? ''))
    .some(([, value]) => timingSafeEqual(Buffer.from(value!, 'hex'), expected));
}

function hmac(secret: string, seconds: number, body: string): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.${body}`).digest();
}
