import { createHash } from 'node:crypto';
import { asHoldfastError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { readBundle } from '../bundle/bundle-reader.ts';
import type { Credential } from '../crypto/key-text.ts';
import type { DamagedObject, VerifyReport } from '../repository/verify-report.ts';
import type { Storage } from '../storage/port.ts';
import { isSameGroup, measureOf, pausedGroups, tellPaused, withPause } from './anomaly-pause.ts';
import { type BundleState, moveBundle, readerOf, type StoredBundle } from './bundle-store.ts';
import { summaryOf } from './list.ts';
import { planRetention } from './retention-plan.ts';
import { resolveRetention } from './retention-rules.ts';
import { ARCHIVE_MS, type RotateOutcome, type RotateRequest, rulesFor } from './rotate.ts';

/**
 * What this machine remembers of a destination of bundles goes by its address, since it has no id. Where the address changes, what a
 * person accepted there is asked for again.
 */
const memoryKey = ({ address }: Storage) =>
  `bundles-${createHash('sha256').update(address).digest('hex').slice(0, 32)}`;

/** Retention for a destination of bundles: the same rules, the same brake, the same archive for 30 days. */
export async function rotateBundles(
  { storage, progress }: { readonly storage: Storage; readonly progress: Progress },
  list: (state: BundleState) => Promise<StoredBundle[]>,
  request: RotateRequest,
): Promise<RotateOutcome> {
  const { plan, tenantId, dryRun, rulesOf } = request;
  const isMeant = ({ manifest }: StoredBundle) =>
    (plan === null || manifest.plan === plan) && (tenantId === null || manifest.tenantId === tenantId);
  const candidates = (await list('backups')).filter(isMeant).map((bundle) => ({
    ...summaryOf(bundle.manifest, new Set(), bundle.encryption),
    complete: bundle.manifest.complete,
    provenAtMs: null,
    measure: measureOf(bundle.manifest),
    bundle,
  }));
  const paused = await pausedGroups(candidates, request, memoryKey(storage));
  const rules = (group: { plan: string | null }) => resolveRetention(rulesFor(group.plan, { rulesOf }));
  const decisions = planRetention(candidates, rules, Date.now()).map((one) => withPause(one, paused));
  tellPaused(paused, progress);
  if (dryRun) return { removed: 0, decisions, paused };
  const going = decisions.filter(({ action }) => action === 'remove');
  for (const { backup } of going) await moveBundle(storage, backup.bundle, 'archived');
  for (const { name, modifiedAtMs, manifest } of (await list('archived')).filter(isMeant)) {
    if (paused.some((group) => isSameGroup(group, manifest))) continue;
    if (Date.now() - modifiedAtMs >= ARCHIVE_MS) await storage.remove(name);
  }
  return { removed: going.length, decisions, paused };
}

/** Reads bundles to their last byte: every segment, every hash. What did not even open is damage too. */
export async function verifyBundles(
  storage: Storage,
  bundles: readonly StoredBundle[],
  rejected: readonly { readonly name: string; readonly why: string }[],
  credentials: readonly Credential[],
): Promise<VerifyReport> {
  const damaged: DamagedObject[] = rejected.map(({ name, why }) => ({ name, code: 'bundle_malformed', why }));
  const affected: VerifyReport['affected'][number][] = [];
  for (const { name, manifest } of bundles) {
    const error = await readWhole(storage, credentials, name).then(() => null, asHoldfastError);
    if (!error) continue;
    damaged.push({ name, code: error.code, why: error.message });
    const { id, plan, startedAt } = manifest;
    affected.push({ id, name, plan, startedAt, artifacts: [] });
  }
  const none = { packs: 0, packBytes: 0, chunks: 0, artifacts: 0, hashedBytes: 0 };
  return {
    ...{
      ok: damaged.length === 0,
      scope: 'all',
      seed: null,
      damaged,
      replaced: [],
      affected,
      rejected: [],
      unlistedPacks: 0,
    },
    checked: { ...none, objects: bundles.length + rejected.length, backups: bundles.length },
  };
}

async function readWhole(storage: Storage, credentials: readonly Credential[], name: string): Promise<void> {
  const reading = await readBundle({ source: storage.open(name), ...readerOf(credentials, name) });
  try {
    for await (const { content } of reading.items) if (content) for await (const _ of content);
  } finally {
    await reading.close();
  }
}
