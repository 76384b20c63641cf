import type { TableRetentionConfig } from '../../contracts/config-extras.ts';
import { type DestinationSpec, HoldfastError, type SourceSpec } from '../../engine/index.ts';
import { type RunnerParts, runConfig } from './runner-parts.ts';

/** A table with a rule, and where its archives go. */
export interface TableAtWork {
  readonly rule: TableRetentionConfig;
  readonly source: SourceSpec;
  readonly destination: string;
  readonly destinationId: string;
  readonly spec: DestinationSpec;
}

/** As it is stored now. Throws `config_invalid` for a table without a rule, or whose archives have no place. */
export async function tableAtWork(
  parts: Pick<RunnerParts, 'catalog' | 'workplace'>,
  name: string,
  table: string,
): Promise<TableAtWork> {
  const { config, destinationIds } = await runConfig(parts);
  const settings = config.sources[name];
  const isDatabase = settings?.kind === 'sqlite' || settings?.kind === 'postgres';
  const rule = isDatabase ? settings.tableRetention?.[table] : undefined;
  if (!rule) {
    throw new HoldfastError(
      'config_invalid',
      `the source ${name} has no tableRetention for ${table} any more`,
    );
  }
  const destination = rule.destination ?? onlyOne(Object.keys(config.destinations), name, table);
  return {
    ...{ rule, destination, destinationId: destinationIds.get(destination) ?? destination },
    spec: await parts.workplace.destination(config, destination),
    source: await parts.workplace.source(config, name),
  };
}

function onlyOne(names: readonly string[], source: string, table: string): string {
  if (names.length === 1) return names[0]!;
  throw new HoldfastError('config_invalid', `tableRetention of ${source} ${table} names no destination`, {
    next: `add destination to it, one of: ${names.join(', ') || 'none is stored yet'}`,
  });
}
