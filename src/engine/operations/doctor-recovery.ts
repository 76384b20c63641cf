/** What of this machine and its programs would stand in the way of a recovery today. */
import { statfs } from 'node:fs/promises';
import { MINUTE_MS } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Manifest } from '../repository/manifest.ts';
import { findTools } from '../sources/postgres/index.ts';
import type { OperationContext } from './context.ts';
import type { DoctorCheck } from './doctor.ts';
import { majorOf } from './drill/database-facts.ts';
import { DEFAULT_DRILL_ROOT } from './drill/drill-folder.ts';
import { neededBytes } from './drill/drill-space.ts';
import { statusOf } from './list.ts';

const MAX_SKEW_MS = 5 * MINUTE_MS;

/** Checks of the newest good backup of every plan, and of the clock. Leaves everything as it was. */
export async function recoveryChecks(
  context: OperationContext,
  tools: typeof findTools = findTools,
): Promise<DoctorCheck[]> {
  const newest = await newestOfPlans(context);
  return [
    await clockCheck(context),
    ...(await toolsCheck(newest, tools)),
    ...(await roomCheck(newest, DEFAULT_DRILL_ROOT)),
  ];
}

async function newestOfPlans({ repository }: OperationContext): Promise<Manifest[]> {
  const found = new Map<string | null, Manifest>();
  for await (const { manifest } of repository.manifests.readAll()) {
    if (statusOf(manifest) === 'succeeded' && !found.has(manifest.plan)) found.set(manifest.plan, manifest);
  }
  return [...found.values()];
}

/** A destination notes when an object came: whoever of the two is wrong, retention would be. */
async function clockCheck({ repository, clock, signal }: OperationContext): Promise<DoctorCheck> {
  const { storage } = repository;
  const name = `test/${newId()}`;
  const beforeMs = clock.nowMs();
  let thereMs: number | null = null;
  try {
    await storage.put(name, Buffer.from('what time is it'), { signal });
    thereMs = (await storage.stat(name, { signal }))?.modifiedAtMs ?? null;
    await storage.remove(name, { signal });
  } catch {
    // What cannot be written is told by the check of the destination.
  }
  if (thereMs === null) return ok('clock', 'the destination does not say what time it is');
  const afterMs = clock.nowMs();
  const skewMs = Math.max(thereMs - afterMs, 0) + Math.min(thereMs - beforeMs, 0);
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return ok('clock', 'agrees with that of the destination');
  const minutes = Math.round(Math.abs(skewMs) / MINUTE_MS);
  const message = `this clock is ${minutes} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} that of the destination: retention, prune and schedules go by it`;
  return { name: 'clock', status: 'problem', message, next: 'run timedatectl set-ntp true' };
}

/** pg_restore cannot read what a newer pg_dump wrote, and pg_dump refuses a newer server. */
async function toolsCheck(newest: readonly Manifest[], find: typeof findTools): Promise<DoctorCheck[]> {
  const versions = newest
    .flatMap(({ artifacts }) => artifacts)
    .filter(({ kind }) => kind === 'pg-dump')
    .map(({ facts }) => majorOf(String(facts.serverVersion)))
    .filter((major) => Number.isFinite(major));
  const major = Math.max(0, ...versions);
  if (major === 0 || (await find(major))) return [];
  const message = `backups are of PostgreSQL ${major}, and no client programs of ${major} or newer are here: their dumps cannot be restored`;
  return [
    { name: 'postgresql tools', status: 'problem', message, next: `apt install postgresql-client-${major}` },
  ];
}

async function roomCheck(newest: readonly Manifest[], root: string): Promise<DoctorCheck[]> {
  if (newest.length === 0) return [];
  const largest = newest.reduce((most, one) => Math.max(most, neededBytes([one], true)), 0);
  const disk = await statfs(root).catch(() => null);
  if (disk === null) return [];
  const free = disk.bavail * disk.bsize;
  const gigabytes = (bytes: number) => `${(bytes / 1000 ** 3).toFixed(1)} GB`;
  const text = `restoring the largest backup may need ${gigabytes(largest)}; ${gigabytes(free)} are free at ${root}`;
  if (free >= largest) return [ok('room for a restore', text)];
  const next = `free space at ${root}, or name a folder on another disk in drill.folder`;
  return [{ name: 'room for a restore', status: 'problem', message: text, next }];
}

const ok = (name: string, message: string): DoctorCheck => ({ name, status: 'ok', message, next: null });
