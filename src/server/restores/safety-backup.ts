/** What a restore replaces is backed up first, under a plan of its own. */
import {
  asHoldfastError,
  type Engine,
  HoldfastError,
  SAFETY_PLAN,
  type SourceSpec,
  safetySources,
} from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { recordBackup, recordCopy } from '../worker/record-backups.ts';

export interface SafetyRequest {
  readonly target: string;
  readonly steps: readonly { readonly target: string; readonly replaces: boolean }[];
  readonly signal: AbortSignal;
}

/** Null when nothing is replaced. Whatever keeps it from being made stops the restore. */
export async function safetyBackup(engine: Engine, request: SafetyRequest): Promise<string | null> {
  const { target, steps, signal } = request;
  const found = await safetySources(target, steps);
  if (found.length === 0) return null;
  try {
    const made = await engine.backup({
      ...{ sources: distinct(found), plan: SAFETY_PLAN, tenantId: null, type: 'full' },
    });
    const [problem] = made.problems;
    if (made.status !== 'succeeded' && made.problems.some(({ cause }) => cause !== 'damaged')) {
      throw new HoldfastError('source_incomplete', `${problem?.path}: ${problem?.message}`);
    }
    return made.backupId;
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, next } = asHoldfastError(error);
    throw new HoldfastError(
      code,
      `nothing was restored: no safety backup of the target could be made: ${message}`,
      { cause: error, next: `${next}, or restore without safety backup` },
    );
  }
}

function distinct(sources: readonly SourceSpec[]): SourceSpec[] {
  return sources.map((source, i) => {
    const isTaken = sources.slice(0, i).some(({ name }) => name === source.name);
    return isTaken ? { ...source, name: `${source.name}-${i + 1}` } : source;
  });
}

/** Puts it into the catalog, where people look for it. */
export async function recordSafetyBackup(
  catalog: Catalog,
  engine: Engine,
  id: string,
  destinationId: string,
): Promise<void> {
  const made = await engine.show(id);
  const { plan, tenantId, type, status, sizeBytes } = made;
  const artifacts = made.artifacts.map(({ name, source, kind, sizeBytes: size }) => ({
    ...{ name, source, kind, sizeBytes: size },
  }));
  await catalog.transaction(async (trx) => {
    await recordBackup(trx, {
      ...{ id, plan, part: null, tenant_id: tenantId, type, status, size_bytes: sizeBytes },
      ...{
        started_at: made.startedAtMs,
        finished_at: made.finishedAtMs,
        artifacts: JSON.stringify(artifacts),
      },
    });
    await recordCopy(trx, {
      ...{ backup_id: id, destination_id: destinationId, state: 'present', error: null },
      ...{ seen_at: catalog.clock.nowMs(), copied_at: catalog.clock.nowMs() },
    });
  });
}
