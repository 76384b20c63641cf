import type { ByteSink, Facts, Source, SourceContext, SourceSession } from '../port.ts';
import { type CommandCall, type CommandChild, startCommand } from './command-child.ts';

export interface CommandOptions extends Omit<CommandCall, 'signal'> {
  readonly name: string;
  readonly artifactName: string;
  /** Kept as a fact, so that whoever recovers knows how the artifact goes back. Never run from there. */
  readonly restoreCommand?: string | readonly string[];
}

/**
 * A command whose standard output is the artifact. It counts only when the command ends with 0: otherwise producing
 * throws `command_failed`. Nothing is started before.
 */
export function commandSource(options: CommandOptions): Source {
  return { kind: 'command', name: options.name, open: async (context) => session(options, context) };
}

function session(options: CommandOptions, context: SourceContext): SourceSession {
  let running: CommandChild | null = null;
  const produce = async (sink: ByteSink): Promise<Facts> => {
    running = startCommand({ ...options, signal: context.signal }, 'stdout');
    const bytes = await readInto(sink, running, (done) => context.progress.advance({ bytes: done }));
    if (bytes === 0) context.progress.warn(`the command of ${options.name} wrote nothing`);
    return options.restoreCommand === undefined ? {} : { restoreCommand: options.restoreCommand };
  };
  return {
    estimatedBytes: null,
    artifacts: [
      {
        form: 'stream',
        name: options.artifactName,
        kind: 'command',
        chunking: { method: 'content', profile: 'dump' },
        produce,
      },
    ],
    async close() {
      running?.stop();
      await running?.ended.catch(() => {});
    },
  };
}

/** What the command says of its end goes before a broken pipe that follows from it; a failing sink ends it. */
async function readInto(
  sink: ByteSink,
  { child, ended, stop }: CommandChild,
  onBytes: (bytes: number) => void,
): Promise<number> {
  let total = 0;
  let sinkError: { error: unknown } | null = null;
  try {
    for await (const bytes of child.stdout!) {
      total += (bytes as Buffer).length;
      try {
        const written = sink.write(bytes as Buffer);
        if (written) await written;
        onBytes((bytes as Buffer).length);
      } catch (error) {
        sinkError = { error };
        break;
      }
    }
  } catch {
    // A pipe that was cut: `ended` tells why.
    stop();
  }
  if (!sinkError) {
    await ended;
    return total;
  }
  stop();
  await ended.catch(() => {});
  throw sinkError.error;
}
