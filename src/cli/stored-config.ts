import { existsSync } from 'node:fs';
import type { Config } from '../contracts/config.ts';
import { withInheritedRetention } from '../contracts/inherited-retention.ts';
import type { CliIo } from './cli.ts';

/**
 * What is stored in the catalog of the server with this data folder, as if it stood in a file, with the retention of its settings; null where there is no catalog, or nothing in it.
 * Throws what `openCatalog` throws.
 */
export async function loadStoredConfig(
  io: CliIo,
  home: string,
): Promise<{ file: string; folder: string; config: Config } | null> {
  const { catalogAddress } = await import('../server/service.ts');
  const address = catalogAddress({ environment: io.environment, home });
  if ('file' in address && !existsSync(address.file)) return null;
  const { openCatalog } = await import('../server/catalog/catalog.ts');
  const { storedConfig } = await import('../server/configuration/documents.ts');
  const { OWN_PLAN } = await import('../server/configuration/own-plan.ts');
  const catalog = await openCatalog(address);
  try {
    const config = await storedConfig(catalog.db);
    // The server keeps the plan of its own catalog by itself; here it would be in the way of "the only plan".
    const { [OWN_PLAN]: _, ...plans } = config.plans;
    if (Object.keys(config.destinations).length === 0) return null;
    return { file: 'the catalog', folder: io.folder, config: withInheritedRetention({ ...config, plans }) };
  } finally {
    await catalog.close();
  }
}
