import { type Command, InvalidArgumentError } from 'commander';
import type { RotatePayload } from '../../contracts/cli-payloads.ts';
import { isTableArchivePlan } from '../../contracts/table-archives.ts';
import { EXIT } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach, exitCodeOf, renderDown } from '../each-destination.ts';
import type { RetentionInput, RotateOutcome } from '../engine-door.ts';
import { formatCount, formatTime, printable } from '../format.ts';
import { failuresPayload } from '../render-copies.ts';
import { renderTable } from '../table.ts';

const RULES = ['days', 'versions', 'keepLast', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

type RotateOptions = RetentionInput & {
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly tenantId?: string;
  readonly acceptChanges?: boolean;
};

export function addRotate(program: Command, action: Action): void {
  program
    .command('rotate')
    .description('apply retention: archive what no rule keeps; it can be brought back for 30 days')
    .option('--dry-run', 'only show what would go, and why each backup that stays is kept')
    .option('--plan <name>', 'only backups of this plan')
    .option('--tenant-id <id>', 'only backups of this tenant')
    .option('--accept-changes', 'the newest backups are unlike those before, and that is right')
    .option('--preset <name>', 'two-weeks, standard, year or archive')
    .option('--days <n>', 'limit: nothing older', parseCount)
    .option('--versions <n>', 'limit: never more', parseCount)
    .option('--keep-last <n>', 'keep the newest N', parseCount)
    .option('--hourly <n>', 'keep the last of each of N hours', parseCount)
    .option('--daily <n>', 'keep the last of each of N days', parseCount)
    .option('--weekly <n>', 'keep the last of each of N weeks', parseCount)
    .option('--monthly <n>', 'keep the last of each of N months', parseCount)
    .option('--yearly <n>', 'keep the last of each of N years', parseCount)
    .addHelpText(
      'after',
      `
With several destinations each is rotated by its own rules; --destination names one.
Rules come from the plan in the configuration, or from the options here, which replace them all.
A backup stays when any keep rule selects it, unless a limit (--days, --versions) cuts it. Without a
keep rule all are selected and the limits are 365 days and 52 versions. Held backups, the last good and
the last proven one of each plan always stay. Incomplete backups take no place from good ones.
Where the newest backup is unlike the plan's history (size, rows, share of new data), nothing of the plan is removed, and
the exit code is 1, until you looked at it and said --accept-changes.
${examples('holdfast rotate --dry-run', 'holdfast rotate --daily 14 --weekly 8', 'holdfast rotate --plan nightly')}`,
    )
    .action(action(rotate));
}

/** Exported for its test. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a whole number of at least 1');
  return Number(text);
}

async function rotate(cli: Cli, options: RotateOptions): Promise<CommandResult> {
  const isGiven = options.preset !== undefined || RULES.some((rule) => options[rule] !== undefined);
  const dryRun = options.dryRun === true;
  const answers = await atEach(cli, (engine, rulesThere) => {
    // Archived rows are nowhere else: rules for backups are not meant for them.
    const rulesOf = (plan: string | null): RetentionInput =>
      isGiven && !isTableArchivePlan(plan) ? options : rulesThere(plan);
    const acceptAnomalies = options.acceptChanges === true;
    const only = { plan: options.plan ?? null, tenantId: options.tenantId ?? null };
    return engine.rotate({ dryRun, ...only, rulesOf, acceptAnomalies });
  });
  if ('alone' in answers) {
    const { removed, decisions, paused } = answers.alone;
    const json: RotatePayload = { dryRun, removed, backups: decisions.map((one) => decisionPayload(one)) };
    const exitCode = paused.length > 0 ? EXIT.failed : EXIT.ok;
    return { json, text: `${renderRotate(decisions, dryRun)}${renderPaused(paused)}`, exitCode };
  }
  const done = answers.several.flatMap(({ destination, result }) =>
    result ? [{ destination, ...result }] : [],
  );
  const json: RotatePayload = {
    dryRun,
    removed: done.reduce((sum, { removed }) => sum + removed, 0),
    backups: done.flatMap(({ destination, decisions }) =>
      decisions.map((one) => decisionPayload(one, destination)),
    ),
    failures: failuresPayload(answers.several),
  };
  const text = done.map(
    ({ destination, decisions, paused }) =>
      `${printable(destination)}\n${renderRotate(decisions, dryRun)}${renderPaused(paused)}`,
  );
  return {
    json,
    text: [...text, renderDown(answers.several)].join(''),
    exitCode:
      exitCodeOf(answers.several) || (done.some(({ paused }) => paused.length > 0) ? EXIT.failed : EXIT.ok),
  };
}

function renderPaused(paused: RotateOutcome['paused']): string {
  return paused
    .map(({ plan, backupId, text }) => {
      const of = plan === null ? 'backups without a plan' : `plan ${printable(plan)}`;
      return `PAUSED, ${of}: of backup ${backupId}, ${printable(text)}\n  next: look at it (holdfast show ${backupId}, holdfast drill); if it is right, holdfast rotate --accept-changes\n`;
    })
    .join('');
}

function decisionPayload(
  { backup, action, reasons }: RotateOutcome['decisions'][number],
  destination?: string,
): RotatePayload['backups'][number] {
  const { id, plan, tenantId, type, timestampMs } = backup;
  return {
    ...{ id, plan, tenantId, type, action, reasons: [...reasons] },
    timestamp: new Date(timestampMs).toISOString(),
    ...(destination === undefined ? {} : { destination }),
  };
}

/** Exported for its test. */
export function renderRotate(decisions: RotateOutcome['decisions'], dryRun: boolean): string {
  if (decisions.length === 0) return 'no backups, nothing to rotate\n';
  const table = renderTable(
    [
      { title: 'backup', value: ({ backup }) => backup.id },
      { title: 'time (UTC)', value: ({ backup }) => formatTime(backup.timestampMs) },
      { title: 'type', value: ({ backup }) => backup.type },
      { title: 'plan', value: ({ backup }) => backup.plan ?? '' },
      { title: '', value: ({ action }) => action },
      { title: 'why', value: ({ reasons }) => reasons.map(({ text }) => text).join('; ') },
    ],
    decisions,
  );
  const going = decisions.filter(({ action }) => action === 'remove').length;
  const stays = decisions.length - going;
  const summary = dryRun
    ? `would archive ${formatCount(going, 'backup')}, keep ${stays}; nothing was changed`
    : `archived ${formatCount(going, 'backup')}, kept ${stays}`;
  const next = !dryRun && going > 0 ? '; holdfast undelete ID brings one back within 30 days' : '';
  return `${table}${summary}${next}\n`;
}
