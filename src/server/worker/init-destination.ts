import { openEngine, silentProgress } from '../../engine/index.ts';
import { type RunnerParts, runConfig } from './runner-parts.ts';

/**
 * Makes the repository of a stored destination where there is none; gives its id. Not done by a backup: a disk that is not mounted would
 * look like an empty one. Throws what `openEngine` throws.
 */
export async function initDestination(
  parts: Pick<RunnerParts, 'catalog' | 'workplace'>,
  name: string,
  signal: AbortSignal,
): Promise<{ repositoryId: string }> {
  const { config } = await runConfig(parts);
  const spec = await parts.workplace.destination(config, name);
  const engine = await openEngine({
    ...(await spec.options()),
    progress: silentProgress,
    signal,
    create: 'if-missing',
  });
  await engine.close();
  return { repositoryId: engine.repositoryId };
}
