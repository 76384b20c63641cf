import type { Command } from 'commander';
import type { RestorePayload } from '../../contracts/cli-payloads.ts';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { requireConfirmation } from '../confirm.ts';
import { copySets, setsFor, specsOf } from '../copy-sets.ts';
import { givenTarget } from '../database-login.ts';
import type { Engine, RestoreOutcome, RestorePlan, RestoreRequest } from '../engine-door.ts';
import { formatCount, formatDuration, formatSize, printable } from '../format.ts';
import { itemOfTable, requireTableOptions } from '../one-table.ts';
import { loadEngine, withEngine, withProgress } from '../open-engine.ts';
import { originalPlaces } from '../original-places.ts';
import { graceOf, type PlannedRequest, renderKept, safeRestore, safetyBackup } from '../safe-restore.ts';
import { addSwitches } from './restore-switches.ts';
import { restoreOneTenant } from './restore-tenant.ts';

interface RestoreOptions {
  readonly to?: string;
  readonly confirmRestore?: boolean;
  /** False with --no-safety-backup. */
  readonly safetyBackup: boolean;
  readonly grace: string;
  readonly inPlace?: boolean;
  readonly tenant?: string;
  readonly planOnly?: boolean;
  readonly table?: string;
  readonly withDependencies?: boolean;
}

export function addRestore(program: Command, action: Action): void {
  const command = program
    .command('restore')
    .description('put a backup back; checksums and signatures are checked before anything is touched')
    .argument('<id>', 'beginning of an id, or `latest`')
    .argument('[item]', 'one artifact, or a file or folder in one, such as uploads/logo.png')
    .option(
      '--to <target>',
      'a folder, a file or a postgres:// address; default: where the configuration says it came from',
    )
    .option('--confirm-restore', 'do it; without this only the plan is shown')
    .option('--no-safety-backup', 'do not back up what is replaced first')
    .option('--grace <seconds>', 'how long running transactions of a replaced database may go on', '10')
    .option('--in-place', 'empty a database that cannot be exchanged and fill it where it is')
    .option('--table <name>', 'one table of a PostgreSQL dump, beside whatever else is there')
    .option('--with-dependencies', 'with --table: also types, sequences and the tables it refers to')
    .option('--tenant <id>', 'only the rows of one tenant, into a database that others share')
    .option('--plan-only', 'with --tenant: show what would change, and end')
    .addHelpText(
      'after',
      examples(
        'holdfast restore latest --to ./restored --confirm-restore',
        'holdfast restore latest app.db --to ./app-restored.db --confirm-restore',
        'holdfast restore latest --confirm-restore',
        'holdfast restore 0193a orders --to postgres://app@localhost/orders_restored --confirm-restore',
        'holdfast restore latest --table sales.orders --with-dependencies --to postgres://app@localhost/found --confirm-restore',
        'holdfast restore latest --tenant acme --to postgres://app@localhost/orders --plan-only',
        'holdfast restore switch-back --confirm-restore   # what the last restore replaced',
      ),
    )
    .action(action(restore));
  addSwitches(command, action);
}

async function restore(
  cli: Cli,
  id: string,
  item: string | undefined,
  options: RestoreOptions,
): Promise<CommandResult> {
  if (options.tenant !== undefined) {
    const repeated = [...repeatedArgs(cli, id, item, options.to), '--tenant', options.tenant];
    const { to, tenant, planOnly = false, confirmRestore: confirmed = false } = options;
    return restoreOneTenant(cli, id, item ?? null, { to, tenant, planOnly, confirmed, repeated });
  }
  if (options.planOnly) throw new HoldfastError('usage', '--plan-only goes with --tenant');
  const { table, withDependencies = false } = options;
  requireTableOptions({ table, withDependencies }, options.to);
  let isShown = false;
  const graceMs = graceOf(options.grace);
  const restoreFrom = async (engine: Engine, wanted: string, passed: readonly string[]) => {
    const one = table === undefined ? (item ?? null) : await itemOfTable(engine, wanted, item ?? null, table);
    const requests = await requestsOf(cli, engine, wanted, one, options.to);
    const planned: PlannedRequest[] = [];
    for (const given of requests) {
      const request = {
        ...given,
        withDependencies,
        safe: safeRestore(cli, graceMs, options.inPlace === true),
      };
      const plan = await engine.planRestore(request);
      if (!isShown) cli.note(renderPlan(plan));
      // From here on it is this backup, even when a newer one becomes `latest` meanwhile.
      planned.push({ request: { ...request, backupId: plan.backupId }, plan });
    }
    isShown = true;
    const repeated = repeatedArgs(cli, id, item, options.to);
    if (table !== undefined) repeated.push('--table', table);
    if (withDependencies) repeated.push('--with-dependencies');
    requireConfirmation(cli, options.confirmRestore === true, repeated);
    const safetyBackupId = options.safetyBackup ? await safetyBackup(cli, engine, planned) : null;
    const outcomes: RestoreOutcome[] = [];
    for (const { request } of planned) {
      outcomes.push(await engine.restore({ ...request, safe: { ...request.safe, safetyBackupId } }));
    }
    return joined(outcomes, passed, safetyBackupId);
  };
  const sets = await copySets(cli);
  if (sets === null) {
    const outcome = await withEngine(cli, null, (engine) => restoreFrom(engine, id, []));
    return { json: outcome, text: renderOutcome(outcome) };
  }
  const specs = specsOf(setsFor(sets, id));
  const { withNearestCopy } = await loadEngine(cli);
  const outcome = await withProgress(cli, (progress) =>
    withNearestCopy(specs, id, { progress, signal: cli.signal }, async (copy) => ({
      ...(await restoreFrom(copy.engine, copy.backupId, copy.passed)),
      destination: copy.destination,
    })),
  );
  return { json: outcome, text: `${renderOutcome(outcome)}from ${printable(outcome.destination)}\n` };
}

async function requestsOf(
  cli: Cli,
  engine: Engine,
  id: string,
  item: string | null,
  to: string | undefined,
): Promise<RestoreRequest[]> {
  if (to === undefined) {
    const requests = await originalPlaces(cli, await engine.show(id), item);
    if (requests.length > 0) return requests;
    throw new HoldfastError('usage', 'nothing in the backup has a place to go back to', {
      next: 'name a target with --to',
    });
  }
  return [{ backupId: id, item, target: await givenTarget(cli, to), replace: true }];
}

function joined(
  outcomes: readonly RestoreOutcome[],
  passed: readonly string[],
  safetyBackupId: string | null,
): RestorePayload {
  return {
    backupId: outcomes[0]!.backupId,
    durationMs: outcomes.reduce((sum, { durationMs }) => sum + durationMs, 0),
    restored: outcomes.flatMap(({ restored }) => [...restored]),
    warnings: [...passed, ...outcomes.flatMap(({ warnings }) => warnings)],
    safetyBackupId,
    kept: outcomes.flatMap(({ kept = [] }) => kept),
  };
}

function repeatedArgs(cli: Cli, id: string, item: string | undefined, to: string | undefined): string[] {
  const { repository, destination, config } = cli.options;
  return [
    'restore',
    id,
    ...(item === undefined ? [] : [item]),
    ...(to === undefined ? [] : ['--to', to]),
    ...(repository ? ['--repository', repository] : []),
    ...(destination ? ['--destination', destination] : []),
    ...(config ? ['--config', config] : []),
  ];
}

/** Exported for its test. Without a line end behind it. */
export function renderPlan(plan: RestorePlan): string {
  const steps = plan.steps.map(({ item, kind, target, sizeBytes, replaces }) => {
    const what = `${printable(item)} (${kind}, ${formatSize(sizeBytes)})`;
    return `  ${what} → ${printable(target)}${replaces ? ', replacing what is there' : ''}`;
  });
  return [`restore of backup ${plan.backupId}:`, ...steps].join('\n');
}

/** Exported for its test. */
export function renderOutcome(outcome: RestorePayload): string {
  const lines = outcome.restored.map(
    ({ item, target, sizeBytes }) =>
      `restored ${printable(item)} (${formatSize(sizeBytes)}) to ${printable(target)}\n`,
  );
  const warnings = outcome.warnings.map((warning) => `warning: ${printable(warning)}\n`);
  const count = formatCount(outcome.restored.length, 'item');
  return [
    ...lines,
    ...warnings,
    ...outcome.kept.map(renderKept),
    `${count} restored and checked in ${formatDuration(outcome.durationMs)}\n`,
  ].join('');
}
