import { tableArchivePlan, tableRule } from '../../contracts/table-archives.ts';
import { HoldfastError, openEngine } from '../../engine/index.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';
import type { TableRetentionPayload, TableRetentionResult } from './port.ts';
import { type RunnerParts, runConfig } from './runner-parts.ts';

/** Archives old rows of a table and deletes them, then archives that are past their time. Interrupted, the next one goes on. */
export async function runTableRetention(
  parts: RunnerParts,
  job: Job,
  context: JobContext,
): Promise<JobOutcome> {
  const { source: name, table } = job.payload as TableRetentionPayload;
  const { config } = await runConfig(parts);
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
  const spec = await parts.workplace.destination(config, destination);
  const source = await parts.workplace.source(config, name);
  const port = { progress: engineProgress(context), signal: context.signal };
  const engine = await openEngine({ ...(await spec.options()), ...port });
  try {
    const { archives, deleted, changed, resumed, limits } = await engine.runTableRetention({
      source,
      ...tableRule(table, rule),
    });
    const plan = tableArchivePlan(name, table);
    if (rule.keepArchivesDays !== null) {
      await engine.rotate({ dryRun: false, plan, tenantId: null, rulesOf: spec.rulesOf });
    }
    const result: TableRetentionResult = {
      ...{ source: name, table, destination, archives, deleted, changed, resumed, limits },
    };
    return { status: 'succeeded', result };
  } finally {
    await engine.close();
  }
}

function onlyOne(names: readonly string[], source: string, table: string): string {
  if (names.length === 1) return names[0]!;
  throw new HoldfastError('config_invalid', `tableRetention of ${source} ${table} names no destination`, {
    next: `add destination to it, one of: ${names.join(', ') || 'none is stored yet'}`,
  });
}
