import { HoldfastError } from '../../engine/base/errors.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { requireConfirmation } from '../confirm.ts';
import { copySets, setsFor, specsOf } from '../copy-sets.ts';
import { givenTarget } from '../database-login.ts';
import type { Engine, TenantPlan, TenantRestoreOutcome } from '../engine-door.ts';
import { formatDuration, printable } from '../format.ts';
import { loadEngine, withEngine, withProgress } from '../open-engine.ts';
import { isPostgresAddress } from '../recognise-source.ts';
import { loadConfig } from '../settings.ts';

export interface TenantRestoreOptions {
  readonly tenant: string;
  readonly to?: string | undefined;
  readonly planOnly: boolean;
  readonly confirmed: boolean;
  /** The command line again, for the advice to confirm. */
  readonly repeated: readonly string[];
}

/** `holdfast restore ID --tenant ID --to postgres://…`: the rows of one tenant into a database that others share. */
export async function restoreOneTenant(
  cli: Cli,
  id: string,
  item: string | null,
  options: TenantRestoreOptions,
): Promise<CommandResult> {
  const { to } = options;
  if (to === undefined || !isPostgresAddress(to)) {
    throw new HoldfastError('usage', 'a tenant is restored into a database', {
      next: 'name it with --to postgres://…',
    });
  }
  const target = await givenTarget(cli, to);
  const decide = (plan: TenantPlan) => {
    cli.note(renderTenantPlan(plan));
    if (options.planOnly) return false;
    if (plan.conflicts.length > 0) return true;
    requireConfirmation(cli, options.confirmed, [...options.repeated]);
    return true;
  };
  const from = async (engine: Engine, backupId: string) => {
    const tenant = { id: options.tenant, ...(await rulesFor(cli, engine, backupId, item)) };
    return engine.restoreTenant({ backupId, item, target, tenant, decide });
  };
  const sets = await copySets(cli);
  const outcome =
    sets === null
      ? await withEngine(cli, null, (engine) => from(engine, id))
      : await withProgress(cli, async (progress) =>
          (await loadEngine(cli)).withNearestCopy(
            specsOf(setsFor(sets, id)),
            id,
            { progress, signal: cli.signal },
            ({ engine, backupId }) => from(engine, backupId),
          ),
        );
  return { json: outcome, text: renderOutcome(outcome) };
}

/** How the source's configuration tells tenants; an export of one tenant brings its own. */
async function rulesFor(cli: Cli, engine: Engine, id: string, item: string | null) {
  const loaded = await loadConfig(cli.io, cli.options);
  const { artifacts } = await engine.show(id);
  const fitting = artifacts.filter(
    ({ name, source, kind }) =>
      (kind === 'pg-dump' || kind === 'pg-csv') && (item === null || item === name || item === source),
  );
  const source = loaded?.config.sources[fitting[0]?.source ?? ''];
  const tenant = source?.kind === 'postgres' ? source.tenant : undefined;
  return { column: tenant?.column ?? 'tenant_id', rules: tenant?.rules ?? {} };
}

function renderTenantPlan({ tenant, tables, conflicts, notes }: TenantPlan): string {
  const changed = tables.filter(({ deletes, inserts, updates }) => deletes + inserts + updates > 0);
  const lines = changed.map(
    ({ table, deletes, inserts, updates, unchanged }) =>
      `  ${printable(table)}: ${deletes} to delete, ${inserts} to insert, ${updates} to update, ${unchanged} stay`,
  );
  return [
    `restore of the tenant ${printable(tenant)}, ${changed.length} of ${tables.length} tables differ:`,
    ...lines,
    ...conflicts.map((text) => `  CONFLICT: ${printable(text)}`),
    ...notes.map((text) => `  ${printable(text)}`),
  ].join('\n');
}

function renderOutcome({ plan, applied, sequences, durationMs }: TenantRestoreOutcome): string {
  if (!applied) return 'nothing was changed\n';
  const moved = sequences.length === 0 ? '' : `sequences advanced: ${sequences.map(printable).join(', ')}\n`;
  return `${moved}tenant ${printable(plan.tenant)} restored, every other row as before, in ${formatDuration(durationMs)}\n`;
}
