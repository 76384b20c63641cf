import { type Command, InvalidArgumentError } from 'commander';
import type { VerifyPayload } from '../../contracts/cli-payloads.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { copySets, joinedPayload, renderCopy, setsFor } from '../copy-sets.ts';
import { hasDamage } from '../each-destination.ts';
import type { CopySet, VerifiedCopy } from '../engine-door.ts';
import { loadEngine, withEngine, withProgress } from '../open-engine.ts';
import { renderVerify } from '../render-verify.ts';

interface VerifyOptions {
  readonly share?: number;
  readonly heal?: boolean;
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
    .option(
      '--heal',
      'repair damaged and missing backups of one destination from the others, then look again',
    )
    .addHelpText(
      'after',
      `
With several destinations in the configuration every copy is looked at, and what one lacks of the others
is named; --destination looks at one.
${examples('holdfast verify', 'holdfast verify --share 10%', 'holdfast verify latest', 'holdfast verify --heal')}`,
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
  const sets = await copySets(cli);
  if (sets !== null) return verifyCopies(cli, setsFor(sets, id ?? null), id ?? null, options, startedAtMs);
  if (options.heal) {
    throw new HoldfastError('usage', 'there is one destination, and no other copy to heal it from', {
      next: 'name several destinations in the configuration, and none on the command line',
    });
  }
  const report = await withEngine(cli, null, (engine) =>
    engine.verify({ backupId: id ?? null, share: options.share ?? 1 }),
  );
  const payload: VerifyPayload = { ...report, durationMs: cli.io.nowMs() - startedAtMs };
  return { json: payload, text: renderVerify(payload), exitCode: report.ok ? EXIT.ok : EXIT.damaged };
}

/** Every copy: what `holdfast verify` says of each, and of all together. */
async function verifyCopies(
  cli: Cli,
  sets: readonly CopySet[],
  backupId: string | null,
  options: VerifyOptions,
  startedAtMs: number,
): Promise<CommandResult> {
  const { verifyAll } = await loadEngine(cli);
  const request = { sets, backupId, share: options.share ?? 1, heal: options.heal === true };
  const copies = await withProgress(cli, (progress) => verifyAll(request, { progress, signal: cli.signal }));
  const json = joinedPayload(copies, cli.io.nowMs() - startedAtMs, request);
  const has = (status: VerifiedCopy['status']) => copies.some((copy) => copy.status === status);
  const exitCode = copies.some(({ status, failures }) => status === 'damaged' || hasDamage(failures))
    ? EXIT.damaged
    : has('down')
      ? EXIT.unreachable
      : has('missing')
        ? EXIT.copyMissing
        : EXIT.ok;
  const text = copies.map((copy) => renderCopy(copy, json.durationMs, request.heal)).join('');
  return { json, text, exitCode };
}
