/** What a restore replaces is backed up first, under a plan of its own. */
import {
  asHoldfastError,
  type Engine,
  HoldfastError,
  SAFETY_PLAN,
  type SourceSpec,
  safetySources,
} from '../../engine/index.ts';

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
