import type { Config } from './config.ts';
import type { TableRetentionConfig } from './config-extras.ts';

const PREFIX = 'table-archive.';

/** The plan of the archives of a table. */
export const tableArchivePlan = (source: string, table: string) => `${PREFIX}${source}.${table}`;

export const isTableArchivePlan = (plan: string | null): boolean => plan?.startsWith(PREFIX) === true;

/** How long archives of a plan stay: for good, unless the configuration says otherwise. Null for any other plan. */
export function tableArchiveRules(
  config: Config | null,
  plan: string | null,
): { readonly days: number | null; readonly versions: null } | null {
  if (!isTableArchivePlan(plan)) return null;
  for (const [source, settings] of Object.entries(config?.sources ?? {})) {
    if (settings.kind !== 'sqlite' && settings.kind !== 'postgres') continue;
    for (const [table, rule] of Object.entries(settings.tableRetention ?? {})) {
      if (tableArchivePlan(source, table) === plan) return { days: rule.keepArchivesDays, versions: null };
    }
  }
  return { days: null, versions: null };
}

/** A rule and its pace, as the engine takes them. */
export function tableRule(table: string, settings: TableRetentionConfig) {
  const { column, unit, maxAgeDays = null, maxRows = null, batchRows, pauseMs, lockTimeoutMs } = settings;
  return { rule: { table, column, unit, maxAgeDays, maxRows }, pace: { batchRows, pauseMs, lockTimeoutMs } };
}
