import type { ByteSink, Facts, Source, SourceContext, SourceSession } from '../port.ts';
import { type CommandCall, type CommandChild, startCommand } from './command-child.ts';

export interface CommandOptions extends Omit<CommandCall, 'signal'> {
  readonly name: string;
  readonly artifactName: string;
}

/** A command whose standard output is the artifact. It counts only when the command ends with 0. */
export function commandSource(options: CommandOptions): Source {
  return { kind: 'command', name: options.name, open: async (context) => session(options, context) };
}

function session(options: CommandOptions, { progress, signal }: SourceContext): SourceSession {
  let running: CommandChild | null = null;
  const produce = async (sink: ByteSink): Promise<Facts> => {
    running = startCommand({ ...options, signal }, 'ignore');
    const { child, ended } = running;
    for await (const bytes of child.stdout!) {
      const written = sink.write(bytes as Buffer);
      if (written) await written;
      progress.advance({ bytes: (bytes as Buffer).length });
    }
    await ended;
    return {};
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
