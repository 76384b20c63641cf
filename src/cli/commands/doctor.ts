import type { Command } from 'commander';
import { EXIT } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach } from '../each-destination.ts';
import type { DoctorCheck, DoneAt } from '../engine-door.ts';
import { formatCount, printable } from '../format.ts';
import { loadEngine } from '../open-engine.ts';
import { absoluteAddress, givenDestination, interpolated, loadConfig } from '../settings.ts';

export function addDoctor(program: Command, action: Action): void {
  program
    .command('doctor')
    .description('say what would make a recovery fail today')
    .addHelpText('after', examples('holdfast doctor', 'holdfast doctor --json'))
    .action(action(doctor));
}

async function doctor(cli: Cli): Promise<CommandResult> {
  const answers = await atEach(cli, (engine) => engine.doctor());
  const found = 'alone' in answers ? answers.alone : answers.several.flatMap(checksAt);
  const checks = [...found, ...(await checksOfConfig(cli))];
  const isHealthy = checks.every(({ status }) => status !== 'problem');
  return {
    json: { ok: isHealthy, checks },
    text: renderDoctor(checks),
    exitCode: isHealthy ? EXIT.ok : EXIT.failed,
  };
}

function checksAt({ destination, result, failure }: DoneAt<DoctorCheck[]>): DoctorCheck[] {
  if (failure === null) return result.map((check) => ({ ...check, name: `${destination}, ${check.name}` }));
  return [{ name: destination, status: 'problem', message: failure.message, next: failure.next }];
}

async function checksOfConfig(cli: Cli): Promise<DoctorCheck[]> {
  const isGiven = givenDestination(cli.io, cli.options) !== null;
  const loaded = isGiven ? null : await loadConfig(cli.io, cli.options);
  if (!loaded) return [];
  const { configChecks, diskOf } = await import('../doctor/config-checks.ts');
  const { resolveRetention } = await loadEngine(cli);
  const pathOf = async (text: string) => {
    const path = await interpolated(cli.io, loaded, text, 'a path').catch(() => null);
    return path === null ? null : absoluteAddress(path, loaded.folder);
  };
  return configChecks(loaded.config, { diskOf, pathOf, resolveRetention });
}

/** Exported for its test. */
export function renderDoctor(checks: readonly DoctorCheck[]): string {
  const lines = checks.map(({ name, status, message, next }) => {
    const step = next === null || status === 'ok' ? '' : `\n           next: ${printable(next)}`;
    return `${status.padEnd(7)}  ${printable(name)}: ${printable(message)}${step}\n`;
  });
  const problems = checks.filter(({ status }) => status === 'problem').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  return `${lines.join('')}${formatCount(problems, 'problem')}, ${formatCount(warnings, 'warning')}\n`;
}
