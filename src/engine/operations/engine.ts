import { HoldfastError } from '../base/errors.ts';
import { credentialOf } from '../kms/credential.ts';
import { openOrCreate } from './open-repository.ts';
import type { Engine, OpenEngineOptions } from './repository-engine.ts';

export type { Engine, OpenEngineOptions } from './repository-engine.ts';

const loadRest = () => import('./repository-engine.ts');

/**
 * Opens a destination for work. Throws `repository_missing`, `key_missing`, `key_wrong`, `repository_newer`, `storage_*`.
 * The caller ends with `close`.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  if (options.layout === 'bundles') return (await import('./bundle-engine.ts')).openBundleEngine(options);
  if (options.encryption === 'none') {
    throw new HoldfastError(
      'usage',
      'only bundles can be written without encryption, and this is a repository',
      {
        next: 'use a destination of the layout bundles, or take encryption: none away',
      },
    );
  }
  const credentials = options.keyTexts.map((text) => credentialOf(text, options.kms));
  // A passphrase takes a thread a third of a second, and what works with the repository takes this one as long to load.
  const whileDeriving = () => void loadRest().catch(() => {});
  const opened = await openOrCreate({ ...options, credentials, whileDeriving });
  const { repositoryEngine } = await loadRest();
  return repositoryEngine(options, credentials, opened);
}
