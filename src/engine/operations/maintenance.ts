import { randomInt } from 'node:crypto';
import { applyPrune, type PrunePlan, planPrune } from '../repository/prune.ts';
import { verifyRepository } from '../repository/verify.ts';
import type { VerifyReport } from '../repository/verify-report.ts';
import type { OperationContext } from './context.ts';

interface PackSum {
  readonly packs: number;
  readonly bytes: number;
}

/** What prune did, or would do. */
export interface PruneOutcome {
  readonly marked: PackSum;
  readonly waiting: PackSum;
  readonly deleted: PackSum;
  readonly rewritten: PackSum;
  readonly revived: PackSum;
  readonly stored: PackSum;
  readonly liveBytes: number;
  readonly blockedBy: { readonly name: string; readonly why: string }[];
  readonly missingChunks: number;
}

/** Reclaims packs nothing uses, in two phases; with `dryRun` only says what it would do. See `applyPrune`. */
export async function prune(context: OperationContext, request: { dryRun: boolean }): Promise<PruneOutcome> {
  const { repository, progress, signal } = context;
  const options = { progress, signal };
  const plan = request.dryRun
    ? await planPrune(repository, options)
    : await applyPrune(repository, null, options);
  return outcomeOf(plan);
}

function outcomeOf(plan: PrunePlan): PruneOutcome {
  return {
    marked: sum(plan.condemn),
    waiting: sum(plan.waiting),
    deleted: sum(plan.remove),
    rewritten: sum(plan.rewrite),
    revived: sum(plan.revive),
    stored: { packs: plan.packs.count, bytes: plan.packs.sizeBytes },
    liveBytes: plan.packs.liveBytes,
    blockedBy: [...plan.blockedBy],
    missingChunks: plan.missingChunks,
  };
}

function sum(packs: readonly { readonly sizeBytes: number }[]): PackSum {
  return { packs: packs.length, bytes: packs.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0) };
}

/** Checks stored bytes: all, one backup, or a share of the packs (0 to 1) chosen by chance. Damage is in the report. */
export async function verify(
  context: OperationContext,
  request: { readonly backupId: string | null; readonly share: number },
): Promise<VerifyReport> {
  const { repository, progress, signal } = context;
  const seed = randomInt(2 ** 31);
  return verifyRepository(repository, {
    progress,
    signal,
    ...(request.backupId === null ? {} : { backupId: await idOf(context, request.backupId) }),
    ...(request.share < 1 ? { share: { percent: 100 * request.share, seed } } : {}),
  });
}

async function idOf({ repository }: OperationContext, text: string): Promise<string> {
  const { manifest } = await repository.manifests.resolve(text, ['backups', 'archived']);
  return manifest.id;
}
