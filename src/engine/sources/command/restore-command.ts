import { pipeline } from 'node:stream/promises';
import type { ArtifactReader, Content } from '../port.ts';
import { type CommandCall, startCommand } from './command-child.ts';

export interface RestoreCommandOptions extends CommandCall {
  readonly reader: ArtifactReader;
  readonly content: Content;
}

/** Feeds an artifact to a command's standard input. Throws `command_failed`, `interrupted`, and what reading throws. */
export async function restoreCommand(options: RestoreCommandOptions): Promise<void> {
  const { child, ended, stop } = startCommand(options, 'pipe');
  try {
    await pipeline(options.reader.read(options.content), child.stdin!);
  } catch (error) {
    // A command that does not read to the end breaks the pipe: what it says of itself counts.
    if ((error as { code?: unknown }).code !== 'EPIPE') {
      stop();
      throw error;
    }
  }
  await ended;
}
