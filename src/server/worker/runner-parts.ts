import type { Config } from '../../contracts/config.ts';
import type { DestinationSpec } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { listDocuments, storedConfig } from '../configuration/documents.ts';
import { settingValues } from '../configuration/settings.ts';
import type { JobQueue } from '../jobs/port.ts';
import { withParts } from './plan-config.ts';
import type { Workplace } from './port.ts';

export interface RunnerParts {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly workplace: Workplace;
  /** The heads of the ledger, for manifests; never rejects. */
  readonly ledgerHead?: () => Promise<string | null>;
}

/** What is stored, as a job sees it: read once when it begins. */
export interface RunConfig {
  readonly config: Config;
  /** Ids of the stored documents by name. */
  readonly destinationIds: ReadonlyMap<string, string>;
  readonly planIds: ReadonlyMap<string, string>;
}

export async function runConfig({ catalog }: Pick<RunnerParts, 'catalog'>): Promise<RunConfig> {
  const idsOf = async (kind: 'plan' | 'destination') =>
    new Map((await listDocuments(catalog.db, kind)).map(({ name, id }) => [name, id]));
  const stored = await storedConfig(catalog.db);
  return {
    config: withParts(await withInheritedRetention(catalog, stored)),
    destinationIds: await idsOf('destination'),
    planIds: await idsOf('plan'),
  };
}

/** A plan that says nothing about retention has that of its tenant, or of all. */
async function withInheritedRetention({ db }: Catalog, config: Config): Promise<Config> {
  const plans: Config['plans'] = {};
  for (const [name, plan] of Object.entries(config.plans)) {
    const isOwn = Object.keys(plan.retention).length > 0;
    const settings = isOwn ? null : await settingValues(db, plan.tenantId);
    const retention = settings
      ? { days: settings['retention.days'], versions: settings['retention.versions'] }
      : plan.retention;
    plans[name] = { ...plan, retention };
  }
  return { ...config, plans };
}

/** Destinations of a list of names, in order. */
export async function specsOf(
  { workplace }: Pick<RunnerParts, 'workplace'>,
  config: Config,
  names: readonly string[],
): Promise<DestinationSpec[]> {
  const specs: DestinationSpec[] = [];
  for (const name of names) specs.push(await workplace.destination(config, name));
  return specs;
}
