import type { Config } from '../contracts/config.ts';
import type { TableRetentionConfig } from '../contracts/config-extras.ts';
import { tableRule } from '../contracts/table-archives.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import { specOf } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import type { Engine } from './engine-door.ts';
import { withEngine } from './open-engine.ts';
import { type LoadedConfig, loadConfig } from './settings.ts';

/** A table with a rule in the configuration. */
export interface ChosenTable {
  readonly source: SourceSpec;
  readonly table: string;
  readonly rule: TableRetentionConfig;
}

/** Every table with a rule, or those of one source, or one. Throws `usage` when there is none, `config_missing`. */
export async function chooseTables(cli: Cli, source?: string, table?: string): Promise<ChosenTable[]> {
  const loaded = await loadConfig(cli.io, cli.options);
  if (!loaded) throw new HoldfastError('config_missing');
  const chosen: ChosenTable[] = [];
  for (const [name, settings, rules] of sourcesWithRules(loaded)) {
    if (source !== undefined && source !== name) continue;
    for (const [one, rule] of Object.entries(rules)) {
      if (table !== undefined && plainName(settings.kind, table) !== plainName(settings.kind, one)) continue;
      chosen.push({ source: await specOf(cli, loaded, name, settings), table: one, rule });
    }
  }
  if (chosen.length > 0) return chosen;
  const known = sourcesWithRules(loaded).flatMap(([name, , rules]) =>
    Object.keys(rules).map((one) => `${name} ${one}`),
  );
  throw new HoldfastError('usage', 'no such table has a tableRetention in the configuration', {
    next:
      known.length > 0
        ? `name one of: ${known.join(', ')}`
        : 'add tableRetention to a source, see docs/table-retention.md',
  });
}

/** As PostgreSQL reads it: without a schema `public` is meant. */
const plainName = (kind: string, table: string) =>
  kind === 'postgres' ? table.replace(/^public\./, '') : table;

function sourcesWithRules({ config }: LoadedConfig) {
  return Object.entries(config.sources).flatMap(([name, settings]) =>
    (settings.kind === 'sqlite' || settings.kind === 'postgres') && settings.tableRetention
      ? [[name, settings, settings.tableRetention] as [string, Config['sources'][string], Rules]]
      : [],
  );
}

type Rules = Readonly<Record<string, TableRetentionConfig>>;

/** What the engine takes. */
export function tableRequest({ source, table, rule }: ChosenTable) {
  return { source, ...tableRule(table, rule) };
}

/** Works where the archives of a table go; --destination and --repository come first. */
export function atArchives<T>(
  cli: Cli,
  { rule }: Pick<ChosenTable, 'rule'>,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const isNamed = cli.options.destination !== undefined || cli.options.repository !== undefined;
  const destination = isNamed ? undefined : rule.destination;
  const there = destination === undefined ? cli : { ...cli, options: { ...cli.options, destination } };
  return withEngine(there, null, work);
}
