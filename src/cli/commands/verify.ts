import { type Command, InvalidArgumentError } from 'commander';
import type { VerifyPayload } from '../../contracts/cli-payloads.ts';
import { EXIT } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, formatDuration, formatSize, printable } from '../format.ts';
import { withEngine } from '../open-engine.ts';

interface VerifyOptions {
  readonly share?: number;
}

export function addVerify(program: Command, action: Action): void {
  program
    .command('verify')
    .description('read stored bytes back and check them; exit 0 only when every byte looked at is good')
    .argument('[id]', 'one backup only; `latest` works')
    .option('--share <percent>', 'a random share of the packs, such as 10%', parseShare)
    .addHelpText(
      'after',
      examples('holdfast verify', 'holdfast verify --share 10%', 'holdfast verify latest'),
    )
    .action(action(verify));
}

/** `10%`, `10` and `0.5%` are percents; the result is a part of 1. Exported for its test. */
export function parseShare(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(text)?.[1] ?? Number.NaN);
  if (!(percent > 0 && percent <= 100)) {
    throw new InvalidArgumentError('give a percentage above 0 and up to 100, such as 10%');
  }
  return percent / 100;
}

async function verify(cli: Cli, id: string | undefined, options: VerifyOptions): Promise<CommandResult> {
  const report = await withEngine(cli, null, (engine) =>
    engine.verify({ backupId: id ?? null, share: options.share ?? 1 }),
  );
  return { json: report, text: renderVerify(report), exitCode: report.ok ? EXIT.ok : EXIT.damaged };
}

/** Exported for its test. */
export function renderVerify(report: VerifyPayload): string {
  const looked = `${formatCount(report.objects, 'object')}, ${formatSize(report.bytes)}, in ${formatDuration(report.durationMs)}`;
  if (report.ok) return `good: every byte looked at (${looked})\n`;
  const problems = report.problems.map(
    ({ object, message }) => `  ${printable(object)}: ${printable(message)}\n`,
  );
  const affected = report.affected.map(
    ({ backupId, items }) => `  ${backupId}: ${items.map(printable).join(', ') || 'all of it'}\n`,
  );
  return [
    `not good: ${formatCount(report.problems.length, 'problem')} (${looked})\n`,
    ...problems,
    affected.length > 0 ? 'backups that cannot be restored completely:\n' : 'no backup is affected\n',
    ...affected,
    'next: back up again, what is missing is stored anew; see docs/operations.md, damage\n',
  ].join('');
}
