/** Restores as jobs: asked for by the API, done by a worker that reaches source and destination. */
import { resolve } from 'node:path';
import { HoldfastError, type SourceSpec, withNearestCopy } from '../../engine/index.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from '../worker/engine-progress.ts';
import { type RunnerParts, runConfig, specsOf } from '../worker/runner-parts.ts';

export interface RestorePayload {
  readonly backupId: string;
  /** Null for all of it. */
  readonly item: string | null;
  /** An absolute path, or the name of a stored source. */
  readonly to: string;
  /** Stored destinations that hold it. */
  readonly destinations: readonly string[];
}

/** For a worker: `openRunner(parts, { restore: restoreHandler(parts) })`. Throws `source_missing` for a target that is neither. */
export function restoreHandler(parts: RunnerParts): (job: Job, context: JobContext) => Promise<JobOutcome> {
  return async (job, context) => {
    const { backupId, item, to, destinations } = job.payload as RestorePayload;
    const run = await runConfig(parts);
    const specs = await specsOf(parts, run.config, destinations);
    const target = await targetOf(parts, run.config, to);
    const port = { progress: engineProgress(context), signal: context.signal };
    const outcome = await withNearestCopy(specs, backupId, port, (copy) =>
      copy.engine.restore({ backupId: copy.backupId, item, target, replace: true }),
    );
    return { status: 'succeeded', result: outcome };
  };
}

async function targetOf(
  { workplace }: RunnerParts,
  config: Awaited<ReturnType<typeof runConfig>>['config'],
  to: string,
): Promise<string> {
  if (Object.hasOwn(config.sources, to)) return placeOf(await workplace.source(config, to), to);
  if (to.startsWith('/')) return resolve(to);
  throw new HoldfastError('source_missing', `${to} is neither a stored source nor an absolute path`);
}

function placeOf(source: SourceSpec, name: string): string {
  if (source.kind === 'sqlite') return source.path;
  if (source.kind === 'postgres') return source.url;
  if (source.kind === 'files' && source.paths.length === 1) return source.paths[0]!;
  throw new HoldfastError('source_missing', `the source ${name} has no single place to restore to`, {
    next: 'name a folder',
  });
}
