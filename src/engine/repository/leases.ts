import { z } from 'zod';
import { elapsedTimer, MINUTE_MS } from '../base/clock.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { isId, newId } from '../base/ids.ts';
import type { ObjectInfo } from '../storage/port.ts';
import { FOLDERS, leafOf, leaseName } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { isDamage, openJson, sealJson } from './sealed-json.ts';

/** Long enough for slow storage between two renewals, short enough not to block a day's work after a crash. */
export const LEASE_MS = 30 * MINUTE_MS;

/** Clocks further apart than this make times on storage worthless. */
export const MAX_SKEW_MS = 5 * MINUTE_MS;

const timeSchema = z.iso.datetime({ precision: 3 });
const leaseSchema = z.object({
  version: z.literal(1),
  holder: z.string(),
  takenAt: timeSchema,
  expiresAt: timeSchema,
});

/** The right to do maintenance. It ends by itself; only its holder may delete, and asks before each deletion. */
export interface Lease {
  /** The storage's clock now, reckoned from its time of the lease's write. */
  storageNowMs(): number;
  /** Renews when half is used up. Throws `lease_lost` when the lease is missing, expired or not the smallest. */
  check(): Promise<void>;
  /** `check`, but only when half is used up: cheap enough to call all the time during long work. */
  keepAlive(): Promise<void>;
  /** `check`, then the deletion without another wait between. */
  remove(name: string): Promise<void>;
  /** Gives the lease back. Idempotent; never throws. */
  release(): Promise<void>;
}

interface OtherLease {
  readonly id: string;
  readonly holder: string;
  readonly expiresAtMs: number;
}

/**
 * Takes the maintenance lease. Throws `lease_held` naming the other holder, `clock_skew` when the storage's
 * clock is more than 5 minutes off or another lease lies as far in the future, `key_wrong` when read-only.
 */
export async function takeLease(context: RepositoryContext, holder: string): Promise<Lease> {
  requireWritable(context);
  await refuseWhenHeld(context, null);
  let own = await putLease(context, holder);
  const withdraw = () => context.storage.remove(leaseName(own.id));
  try {
    checkStorageClock(own);
    await refuseWhenHeld(context, own.id);
  } catch (error) {
    await withdraw();
    throw error;
  }

  const requireTime = () => {
    if (own.elapsedMs() < LEASE_MS) return;
    throw new HoldfastError('lease_lost', `the lease of ${holder} expired`);
  };

  async function renew(): Promise<void> {
    const old = own;
    own = await putLease(context, holder);
    await context.storage.remove(leaseName(old.id));
  }

  async function check(): Promise<void> {
    requireTime();
    if (own.elapsedMs() > LEASE_MS / 2) await renew();
    const { others, found } = await otherLeases(context, own.id);
    if (!found) throw new HoldfastError('lease_lost', `the lease of ${holder} is gone`);
    const smaller = others.find((other) => other.id < own.id && !isExpired(context, other));
    if (smaller) throw new HoldfastError('lease_lost', `${smaller.holder} holds an earlier lease`);
    requireTime();
  }

  return {
    storageNowMs: () => own.storageAtMs + own.sinceWrittenMs(),
    check,
    async keepAlive() {
      if (own.elapsedMs() > LEASE_MS / 2) await check();
    },
    async remove(name) {
      await check();
      await context.storage.remove(name);
    },
    release: () => withdraw().catch(() => undefined),
  };
}

interface OwnLease {
  readonly id: string;
  /** Since before it was written: by this it expires. */
  readonly elapsedMs: () => number;
  readonly sinceWrittenMs: () => number;
  /** Local time around the write, and the storage's time of it. */
  readonly writtenFromMs: number;
  readonly writtenUntilMs: number;
  readonly storageAtMs: number;
}

async function putLease(context: RepositoryContext, holder: string): Promise<OwnLease> {
  const elapsedMs = elapsedTimer(context.clock);
  const nowMs = context.clock.nowMs();
  const id = newId(nowMs);
  const times = {
    takenAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + LEASE_MS).toISOString(),
  };
  await context.storage.put(leaseName(id), sealJson(context, 'lease', { version: 1, holder, ...times }));
  const writtenUntilMs = context.clock.nowMs();
  const sinceWrittenMs = elapsedTimer(context.clock);
  const info = await context.storage.stat(leaseName(id));
  const storageAtMs = info?.modifiedAtMs ?? nowMs;
  return { id, elapsedMs, sinceWrittenMs, writtenFromMs: nowMs, writtenUntilMs, storageAtMs };
}

/** The write took its time: any moment of it may be the one that storage noted. */
function checkStorageClock({ writtenFromMs, writtenUntilMs, storageAtMs }: OwnLease): void {
  const skewMs = Math.max(storageAtMs - writtenUntilMs, 0) + Math.min(storageAtMs - writtenFromMs, 0);
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return;
  const minutes = Math.round(skewMs / MINUTE_MS);
  throw new HoldfastError('clock_skew', `the storage's clock is ${minutes} minutes from the local one`);
}

async function refuseWhenHeld(context: RepositoryContext, ownId: string | null): Promise<void> {
  const { others } = await otherLeases(context, ownId);
  for (const other of others) {
    if (isExpired(context, other)) continue;
    if (other.expiresAtMs - LEASE_MS > context.clock.nowMs() + MAX_SKEW_MS) {
      throw new HoldfastError('clock_skew', `the lease of ${other.holder} was taken in the future`);
    }
    if (ownId === null || other.id < ownId) {
      throw new HoldfastError('lease_held', `${other.holder} is doing maintenance`);
    }
  }
}

const isExpired = (context: RepositoryContext, lease: OtherLease) =>
  lease.expiresAtMs <= context.clock.nowMs();

async function otherLeases(
  context: RepositoryContext,
  ownId: string | null,
): Promise<{ others: OtherLease[]; found: boolean }> {
  const others: OtherLease[] = [];
  let found = false;
  for await (const info of context.storage.list(FOLDERS.leases)) {
    if (ownId !== null && info.name === leaseName(ownId)) {
      found = true;
      continue;
    }
    const other = await readLease(context, info);
    if (other) others.push(other);
  }
  return { others, found };
}

/** A lease that does not decode may be somebody's: it counts as taken when storage wrote it. */
async function readLease(context: RepositoryContext, info: ObjectInfo): Promise<OtherLease | null> {
  const id = leafOf(info.name);
  if (!isId(id)) return null;
  try {
    const bytes = await context.storage.get(info.name);
    const { value } = openJson(context, 'lease', { name: info.name, bytes }, leaseSchema);
    return { id, holder: value.holder, expiresAtMs: Date.parse(value.expiresAt) };
  } catch (error) {
    if (codeOf(error) === 'object_missing') return null;
    if (!isDamage(error)) throw error;
    return { id, holder: `an unreadable lease (${info.name})`, expiresAtMs: info.modifiedAtMs + LEASE_MS };
  }
}

/** Removes leases that expired longer ago than clocks may differ. Only for who holds the lease. */
export async function removeExpiredLeases(context: RepositoryContext, lease: Lease): Promise<void> {
  const { others } = await otherLeases(context, null);
  for (const other of others) {
    if (other.expiresAtMs + MAX_SKEW_MS < context.clock.nowMs()) await lease.remove(leaseName(other.id));
  }
}
