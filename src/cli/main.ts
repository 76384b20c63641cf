import { EXIT, systemCode } from '../engine/base/errors.ts';
import type { Action, CliIo, CommandResult, GlobalOptions } from './cli.ts';
import { failureJson, failureOf, renderFailure } from './failure.ts';
import { listenForInterrupt } from './interrupt.ts';
import { mask, maskDeep } from './mask.ts';
import { withNpmFlags } from './npm-flags.ts';
import { processIo } from './process-io.ts';
import { buildProgram, commandOf, helpCommandOf, knownOptions } from './program.ts';
import { ERASE_LINE } from './progress/progress-view.ts';
import { runLedger } from './run-ledger.ts';

/**
 * Runs the command line and resolves with the exit code. Never throws and never exits by itself, but for a
 * second Ctrl-C. With --json exactly one JSON document is written to standard output, also for an error.
 */
export async function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  let json = wantsJson(argv);
  const interrupt = listenForInterrupt(() =>
    io.stderr(
      `${io.columns() === null ? '' : ERASE_LINE}stopping in order; press Ctrl-C again to stop at once\n`,
    ),
  );
  const ledger = runLedger(io, interrupt.signal);
  const run: Run = { io: ledger.io, signal: interrupt.signal, options: () => program.opts(), result: null };
  const program = buildProgram(io, actionFor(run));
  let help: string | undefined;
  try {
    const command = commandOf(program, argv);
    help = helpCommandOf(command);
    const args = withNpmFlags(argv, knownOptions(program, command), io.environment);
    json = wantsJson(args);
    await program.parseAsync(args, { from: 'user' });
    await ledger.finish();
    return await show(io, json, run.result);
  } catch (thrown) {
    if (isHelp(thrown)) return EXIT.ok;
    await ledger.finish();
    const failure = failureOf(thrown, interrupt.signal.aborted, help);
    if (json) await io.stdout(`${JSON.stringify(failureJson(failure), null, 2)}\n`);
    io.stderr(renderFailure(failure));
    return failure.exitCode;
  } finally {
    interrupt.release();
  }
}

interface Run {
  readonly io: CliIo;
  readonly signal: AbortSignal;
  readonly options: () => GlobalOptions;
  result: CommandResult | null;
}

function actionFor(run: Run): Action {
  return (handler) =>
    async (...args) => {
      const { io, signal } = run;
      const options = run.options();
      const note = (text: string) => io.stderr(`${mask(text)}\n`);
      run.result = await handler({ io, signal, options, json: options.json === true, note }, ...args);
    };
}

async function show(io: CliIo, json: boolean, result: CommandResult | null): Promise<number> {
  if (result === null) return EXIT.ok;
  const value = result.revealsSecret ? result.json : maskDeep(result.json);
  const text = result.revealsSecret ? result.text : mask(result.text);
  await io.stdout(json ? `${JSON.stringify(value, null, 2)}\n` : text);
  return result.exitCode ?? EXIT.ok;
}

/** Looked up before parsing, so that a line that does not parse is answered in JSON, too. */
function wantsJson(argv: readonly string[]): boolean {
  const separator = argv.indexOf('--');
  return (separator === -1 ? argv : argv.slice(0, separator)).includes('--json');
}

/** Help and version that were asked for; help shown because a command is missing has exit code 1. */
function isHelp(thrown: unknown): boolean {
  const isParser = systemCode(thrown)?.startsWith('commander.') === true;
  return isParser && (thrown as { exitCode?: number }).exitCode === 0;
}
