import { DAY_MS } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Hold } from '../repository/holds.ts';
import { isTableArchive, type Manifest } from '../repository/manifest.ts';
import type { ManifestRef } from '../repository/manifest-path.ts';
import type { BackupMeasure } from './anomaly.ts';
import {
  isSameGroup,
  measureOf,
  type PausedGroup,
  type PauseRequest,
  pausedGroups,
  tellPaused,
  withPause,
} from './anomaly-pause.ts';
import type { OperationContext } from './context.ts';
import { IMPORTED_PLAN } from './import-dump.ts';
import { statusOf } from './list.ts';
import { provenTimes } from './proven-backups.ts';
import { planRetention, type RetentionCandidate, type RetentionDecision } from './retention-plan.ts';
import { type RetentionRules, resolveRetention } from './retention-rules.ts';

/** How long a soft-deleted backup can be brought back (features.md row T2). */
export const ARCHIVE_MS = 30 * DAY_MS;

export type RetentionInput = RetentionRules & { readonly preset?: string | null | undefined };

export interface RotateRequest extends PauseRequest {
  /** Null looks at every plan. */
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** The rules of one plan; null is a backup without a plan. */
  readonly rulesOf: (plan: string | null) => RetentionInput;
}

export interface RotatedBackup extends RetentionCandidate {
  readonly type: Manifest['type'];
}

interface Candidate extends RotatedBackup {
  readonly measure: BackupMeasure;
  readonly ref: ManifestRef;
}

export interface RotateOutcome {
  readonly removed: number;
  readonly decisions: readonly RetentionDecision<RotatedBackup>[];
  /** Why retention is paused for some; empty when it is not. */
  readonly paused: readonly PausedGroup[];
}

/**
 * Applies retention: what no rule keeps is moved to the archive, from where `undelete` brings it back; what has lain
 * there for 30 days goes for good. With `dryRun` nothing happens. Throws `clock_skew` when the storage's clock says
 * that ours runs ahead: a wrong date would delete too much.
 */
export async function rotate(context: OperationContext, request: RotateRequest): Promise<RotateOutcome> {
  const { repository, clock, signal, progress } = context;
  const candidates = await candidatesOf(context, request);
  const paused = await pausedGroups(candidates, request, repository.id);
  const planned = planRetention(
    candidates,
    ({ plan }) => resolveRetention(rulesFor(plan, request)),
    clock.nowMs(),
  );
  const decisions = planned.map((decision) => withPause(decision, paused));
  tellPaused(paused, progress);
  if (request.dryRun) return { removed: 0, decisions, paused };
  const going = decisions.filter(({ action }) => action === 'remove').reverse();
  progress.phase('rotate', { entries: going.length });
  for (const { backup } of going) {
    signal.throwIfAborted();
    await repository.manifests.archive(backup.ref);
    progress.advance({ entries: 1 });
  }
  await purgeOld(context, request, paused);
  return { removed: going.length, decisions, paused };
}

/**
 * Nobody loses history by changing over: what was imported under no plan of the operator's stays until a rule says otherwise. So do rows
 * that are in an archive and nowhere else.
 */
export function rulesFor(plan: string | null, { rulesOf }: Pick<RotateRequest, 'rulesOf'>) {
  const rules = withoutUndefined(rulesOf(plan));
  const isKept = plan === IMPORTED_PLAN || isTableArchive({ plan });
  return isKept && Object.keys(rules).length === 0 ? { days: null, versions: null } : rules;
}

async function candidatesOf(
  { repository }: OperationContext,
  { plan, tenantId }: RotateRequest,
): Promise<Candidate[]> {
  const held = new Set<string>();
  for await (const { backupId } of repository.holds.list()) held.add(backupId);
  const proven = await provenTimes(repository);
  const candidates: Candidate[] = [];
  for await (const { ref, manifest } of repository.manifests.readAll()) {
    if (plan !== null && manifest.plan !== plan) continue;
    if (tenantId !== null && manifest.tenantId !== tenantId) continue;
    candidates.push({
      ref,
      id: manifest.id,
      plan: manifest.plan,
      tenantId: manifest.tenantId,
      type: manifest.type,
      timestampMs: Date.parse(manifest.startedAt),
      complete: manifest.complete,
      status: statusOf(manifest),
      held: held.has(manifest.id),
      provenAtMs: proven.get(manifest.id) ?? null,
      measure: measureOf(manifest),
    });
  }
  return candidates;
}

/** The storage's own time of the move counts: no clock of a client makes the archive shorter. */
async function purgeOld(
  { repository, clock, signal }: OperationContext,
  { plan, tenantId }: RotateRequest,
  paused: readonly PausedGroup[],
): Promise<void> {
  for await (const { ref, manifest } of repository.manifests.readAll({ state: 'archived' })) {
    signal.throwIfAborted();
    if (plan !== null && manifest.plan !== plan) continue;
    if (tenantId !== null && manifest.tenantId !== tenantId) continue;
    if (paused.some((group) => isSameGroup(group, manifest))) continue;
    const stored = await repository.storage.stat(ref.name);
    if (!stored || clock.nowMs() - stored.modifiedAtMs < ARCHIVE_MS) continue;
    if (await repository.holds.isHeld(manifest.id)) continue;
    await repository.manifests.purge(ref);
  }
}

/** As the rules want it: a field that is not given is not there. */
export function withoutUndefined(
  input: RetentionInput,
): RetentionRules & { readonly preset?: string | null } {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** Soft delete of one backup: for 30 days `undelete` brings it back. Throws `id_unknown`, `id_ambiguous`, `hold_active`. Idempotent. */
export async function archive(context: OperationContext, id: string): Promise<{ backupId: string }> {
  const { manifests } = context.repository;
  const { ref, manifest } = await manifests.resolve(id, ['backups', 'archived']);
  if (ref.state === 'backups') await manifests.archive(ref);
  return { backupId: manifest.id };
}

/** Brings a soft-deleted backup back. Throws `id_unknown`, `id_ambiguous`. Idempotent. */
export async function undelete(context: OperationContext, id: string): Promise<{ backupId: string }> {
  const { manifests } = context.repository;
  const { ref, manifest } = await manifests.resolve(id, ['archived', 'backups']);
  await manifests.restore(ref);
  return { backupId: manifest.id };
}

/** Holds a backup: neither retention nor anybody else deletes it until it is released. */
export async function placeHold(
  { repository }: OperationContext,
  id: string,
  reason: string,
): Promise<{ backupId: string }> {
  const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
  await repository.holds.place(manifest.id, reason);
  return { backupId: manifest.id };
}

/** Every hold; one that is damaged has no reason or time and still holds. */
export async function listHolds({ repository }: OperationContext): Promise<Hold[]> {
  const holds: Hold[] = [];
  for await (const hold of repository.holds.list()) holds.push(hold);
  return holds;
}

/** Throws `id_unknown` when the backup is not held. */
export async function releaseHold(
  { repository }: OperationContext,
  id: string,
): Promise<{ backupId: string }> {
  const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
  const released = await repository.holds.release(manifest.id);
  if (released === 0)
    throw new HoldfastError('id_unknown', `backup ${manifest.id} is not held`, { next: 'see holdfast hold' });
  return { backupId: manifest.id };
}
