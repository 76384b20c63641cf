import type { Command } from 'commander';
import { EXIT } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { DoctorCheck } from '../engine-door.ts';
import { printable } from '../format.ts';
import { withEngine } from '../open-engine.ts';

export function addDoctor(program: Command, action: Action): void {
  program
    .command('doctor')
    .description('say what would make a recovery fail today')
    .addHelpText('after', examples('holdfast doctor', 'holdfast doctor --json'))
    .action(action(doctor));
}

async function doctor(cli: Cli): Promise<CommandResult> {
  const checks = await withEngine(cli, null, (engine) => engine.doctor());
  const isHealthy = checks.every(({ status }) => status !== 'problem');
  return {
    json: { ok: isHealthy, checks },
    text: renderDoctor(checks),
    exitCode: isHealthy ? EXIT.ok : EXIT.failed,
  };
}

/** Exported for its test. */
export function renderDoctor(checks: readonly DoctorCheck[]): string {
  const lines = checks.map(({ name, status, message, next }) => {
    const step = next === null || status === 'ok' ? '' : `\n           next: ${printable(next)}`;
    return `${status.padEnd(7)}  ${printable(name)}: ${printable(message)}${step}\n`;
  });
  const problems = checks.filter(({ status }) => status === 'problem').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  return `${lines.join('')}${problems} problems, ${warnings} warnings\n`;
}
