import { type Command, InvalidArgumentError } from 'commander';
import type { VerifyPayload } from '../../contracts/cli-payloads.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
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
    .option(
      '--share <percent>',
      'read only a random share of the packs, such as 10%; no backup may miss a chunk all the same',
      parseShare,
    )
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
  if (id !== undefined && options.share !== undefined) {
    throw new HoldfastError('usage', 'one backup is always looked at as a whole, not by --share', {
      next: 'leave out the id or --share',
    });
  }
  const startedAtMs = cli.io.nowMs();
  const report = await withEngine(cli, null, (engine) =>
    engine.verify({ backupId: id ?? null, share: options.share ?? 1 }),
  );
  const payload: VerifyPayload = { ...report, durationMs: cli.io.nowMs() - startedAtMs };
  return { json: payload, text: renderVerify(payload), exitCode: report.ok ? EXIT.ok : EXIT.damaged };
}

/** What exactly is known to be good: a share of the packs says nothing of the bytes in the others. */
const SCOPES: Readonly<Record<VerifyPayload['scope'], string>> = {
  all: 'every stored byte',
  backup: 'every byte of this backup',
  share: 'every byte of the share looked at, and no backup misses a chunk',
};

/** Exported for its test. */
export function renderVerify(report: VerifyPayload): string {
  const { checked, damaged, rejected, affected } = report;
  const looked = [
    formatCount(checked.objects, 'object'),
    `${formatCount(checked.packs, 'pack')} (${formatSize(checked.packBytes)})`,
    formatCount(checked.backups, 'backup'),
    `in ${formatDuration(report.durationMs)}`,
  ].join(', ');
  const unlisted =
    report.unlistedPacks > 0
      ? `${formatCount(report.unlistedPacks, 'pack')} in no index; reading is slower\n`
      : '';
  if (report.ok) return `good: ${SCOPES[report.scope]} (${looked})\n${unlisted}`;
  const lines = [...damaged, ...rejected].map(({ name, why }) => `  ${printable(name)}: ${printable(why)}\n`);
  return [
    `not good: ${formatCount(lines.length, 'object')} (looked at ${looked})\n`,
    ...lines,
    affected.length > 0 ? 'backups that cannot be restored completely:\n' : 'no backup is affected\n',
    ...affected.map(renderAffected),
    unlisted,
    'next: back up again, what is missing is stored anew; see docs/operations.md, damage\n',
  ].join('');
}

function renderAffected({ id, startedAt, artifacts }: VerifyPayload['affected'][number]): string {
  const head = `  ${id} of ${startedAt.slice(0, 16).replace('T', ' ')}`;
  if (artifacts.length === 0) return `${head}: all of it\n`;
  const lines = artifacts.map(({ artifact, why, paths, morePaths }) => {
    const shown = paths.slice(0, 10);
    const more = paths.length - shown.length + morePaths;
    const rest = more > 0 ? [`and ${formatCount(more, 'more file')}`] : [];
    const files = [...shown, ...rest].map((path) => `      ${printable(path)}\n`).join('');
    return `    ${printable(artifact)}: ${printable(why)}\n${files}`;
  });
  return `${head}\n${lines.join('')}`;
}
