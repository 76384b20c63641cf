import { EXIT, systemCode } from '../engine/base/errors.ts';
import type { Action, Cli, CliIo, CommandResult, GlobalOptions } from './cli.ts';
import { failureJson, failureOf, renderFailure } from './failure.ts';
import { listenForInterrupt } from './interrupt.ts';
import { mask, maskDeep } from './mask.ts';
import { withNpmFlags } from './npm-flags.ts';
import { processIo } from './process-io.ts';
import { buildProgram, knownOptions } from './program.ts';

/**
 * Runs the command line and resolves with the exit code. Never throws and never exits by itself, but for a
 * second Ctrl-C. With --json exactly one JSON document is written to standard output, also for an error.
 */
export async function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  const json = wantsJson(argv);
  const interrupt = listenForInterrupt(() =>
    io.stderr('\nstopping in order; press Ctrl-C again to stop at once\n'),
  );
  let result: CommandResult | null = null;
  try {
    const program = buildProgram(
      io,
      actionFor(
        io,
        interrupt.signal,
        () => program.opts(),
        (value) => {
          result = value;
        },
      ),
    );
    const args = withNpmFlags(argv, knownOptions(program, argv), io.environment);
    if (args.length === 0) {
      io.stderr(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: 'user' });
    return await show(io, json || program.opts<GlobalOptions>().json === true, result);
  } catch (thrown) {
    if (isHelp(thrown)) return EXIT.ok;
    const failure = failureOf(thrown, interrupt.signal.aborted);
    if (json) await io.stdout(`${JSON.stringify(failureJson(failure), null, 2)}\n`);
    io.stderr(renderFailure(failure));
    return failure.exitCode;
  } finally {
    interrupt.release();
  }
}

function actionFor(
  io: CliIo,
  signal: AbortSignal,
  options: () => GlobalOptions,
  keep: (result: CommandResult) => void,
): Action {
  return (handler) =>
    async (...args) => {
      const cli: Cli = {
        io,
        signal,
        options: options(),
        json: options().json === true,
        note: (text) => io.stderr(`${mask(text)}\n`),
      };
      keep(await handler(cli, ...args));
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

function isHelp(thrown: unknown): boolean {
  return ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(
    systemCode(thrown) ?? '',
  );
}
