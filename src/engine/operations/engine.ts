import { openBundleEngine } from './bundle-engine.ts';
import { type Engine, type OpenEngineOptions, openRepositoryEngine } from './repository-engine.ts';

export type { Engine, OpenEngineOptions } from './repository-engine.ts';

/**
 * Opens a destination for work. Throws `repository_missing`, `key_missing`, `key_wrong`, `repository_newer`, `storage_*`.
 * The caller ends with `close`.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  return options.layout === 'bundles' ? openBundleEngine(options) : openRepositoryEngine(options);
}
