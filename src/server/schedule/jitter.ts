import { createHash } from 'node:crypto';

/**
 * When a slot is due: up to `jitterMs` after it. Made from plan, part and slot, so that every server gives the same answer,
 * and two plans, or two slots of one, different ones.
 */
export function dueAtMs(planId: string, part: string, slotMs: number, jitterMs: number): number {
  if (jitterMs === 0) return slotMs;
  const hash = createHash('sha256')
    .update(JSON.stringify([planId, part, slotMs]))
    .digest();
  return slotMs + Math.floor((hash.readUInt32BE(0) / 2 ** 32) * jitterMs);
}
