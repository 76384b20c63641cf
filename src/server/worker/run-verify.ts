import type { Config } from '../../contracts/config.ts';
import { partsOf } from '../../contracts/config-destinations.ts';
import { ERRORS, HoldfastError, verifyAll } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';
import { enginePlansOf } from './plan-config.ts';
import type { VerifyPayload } from './port.ts';
import { type RunConfig, type RunnerParts, runConfig, specsOf } from './runner-parts.ts';

type Verified = Awaited<ReturnType<typeof verifyAll>>;

/** Reads stored bytes back at every copy. Fails when anything is not good or a copy could not be looked at. */
export async function runVerify(parts: RunnerParts, job: Job, context: JobContext): Promise<JobOutcome> {
  const payload = job.payload as VerifyPayload;
  const run = await runConfig(parts);
  const { backupId, share, heal } = payload;
  const copies = await verifyAll(
    { sets: await setsOf(parts, run.config, payload), backupId, share, heal },
    { progress: engineProgress(context), signal: context.signal },
  );
  const result = {
    copies: copies.map(({ destination, status, report, missing, failures }) => ({
      ...{ destination, status, failures },
      checked: report?.checked ?? null,
      damaged: report?.damaged ?? [],
      affected: report?.affected.map(({ id }) => id) ?? [],
      missing: missing.map(({ id }) => id),
    })),
  };
  const record = (trx: CatalogDb) => recordVerified(trx, run, copies, payload, parts.catalog.clock.nowMs());
  const bad = copies.filter(({ status }) => status !== 'good');
  if (bad.length === 0) return { status: 'succeeded', result, record };
  const message = bad.map(({ destination, status }) => `${destination}: ${status}`).join(', ');
  const reason = { code: 'verify_failed', message, next: ERRORS.verify_failed.next };
  return { status: 'failed', reason, result, record };
}

async function setsOf(parts: RunnerParts, config: Config, { plan, destination }: VerifyPayload) {
  if (destination !== null) return [{ specs: await specsOf(parts, config, [destination]) }];
  const plans = Object.entries(config.plans).filter(
    ([name]) =>
      plan === null || (config.plans[plan] && enginePlansOf(plan, config.plans[plan]).includes(name)),
  );
  const specs = new Map(
    await Promise.all(
      Object.keys(config.destinations).map(
        async (name) => [name, await parts.workplace.destination(config, name)] as const,
      ),
    ),
  );
  const sets = plans.flatMap(([name, one]) =>
    partsOf(config, one).flatMap(({ destinations, apart }) =>
      destinations ? [{ plan: name, apart, specs: destinations.map((at) => specs.get(at.name)!) }] : [],
    ),
  );
  if (sets.length === 0) {
    throw new HoldfastError('plan_unknown', plan === null ? 'there is no plan' : `there is no plan ${plan}`);
  }
  return sets;
}

/** A share says nothing of the backups whose bytes were not read, but for those it found damaged. */
async function recordVerified(
  trx: CatalogDb,
  run: RunConfig,
  copies: Verified,
  { backupId, share }: VerifyPayload,
  nowMs: number,
): Promise<void> {
  for (const { destination, report } of copies) {
    if (!report) continue;
    const at = run.destinationIds.get(destination) ?? destination;
    const mark = (good: 0 | 1) =>
      trx
        .updateTable('backup_copies')
        .set({ verified_at: nowMs, verified_good: good })
        .where('destination_id', '=', at)
        .where('state', '=', 'present');
    if (backupId !== null) await mark(1).where('backup_id', '=', backupId).execute();
    else if (share === 1) await mark(1).execute();
    const hit = report.affected.map(({ id }) => id);
    if (hit.length > 0) await mark(0).where('backup_id', 'in', hit).execute();
  }
}
