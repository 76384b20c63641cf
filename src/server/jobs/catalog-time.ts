import { sql } from 'kysely';
import { systemClock } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';

const AGAIN_MS = 60_000;

/**
 * Leases compare times that several machines wrote, so on PostgreSQL all of them go by its clock: this machine's and the
 * difference, measured now and once a minute. A clock other than the system's (tests) is taken as it is.
 */
export async function catalogTime(catalog: Catalog): Promise<{ nowMs(): number; stop(): void }> {
  const { clock, db, dialect } = catalog;
  if (dialect === 'sqlite' || clock !== systemClock) return { nowMs: () => clock.nowMs(), stop() {} };
  let aheadMs = 0;
  const measure = async () => {
    const before = clock.nowMs();
    const { rows } = await sql<{
      at: number;
    }>`select extract(epoch from clock_timestamp()) * 1000 as at`.execute(db);
    const after = clock.nowMs();
    aheadMs = Math.round(rows[0]!.at - (before + after) / 2);
  };
  await measure();
  const timer = setInterval(() => measure().catch(() => {}), AGAIN_MS);
  timer.unref();
  return { nowMs: () => clock.nowMs() + aheadMs, stop: () => clearInterval(timer) };
}
