import type { Writable } from 'node:stream';
import type { ArtifactReader, Content } from '../port.ts';
import { type CommandCall, startCommand } from './command-child.ts';

export interface RestoreCommandOptions extends CommandCall {
  readonly reader: ArtifactReader;
  readonly content: Content;
}

/**
 * Feeds an artifact to a command's standard input. A command that stops reading early and ends with 0 has succeeded.
 * When reading fails or is interrupted, the command is killed before its input ends, so that it never takes a part
 * for the whole. Throws `command_failed`, `interrupted`, and what reading throws.
 */
export async function restoreCommand(options: RestoreCommandOptions): Promise<void> {
  const { child, ended, stop } = startCommand(options, 'stdin');
  const input = child.stdin!;
  // A broken pipe shows as `writable` going false; what the command says of itself counts.
  input.on('error', () => {});
  try {
    for await (const bytes of options.reader.read(options.content)) {
      if (!input.writable) break;
      if (!input.write(Buffer.from(bytes))) await drained(input);
    }
  } catch (error) {
    stop('now');
    await ended.catch(() => {});
    throw error;
  }
  // An interrupted command still has its input open, and must not see it end.
  if (!options.signal?.aborted) input.end();
  await ended;
}

/** Resolves also when the pipe breaks. */
function drained(input: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      input.off('drain', done).off('close', done);
      resolve();
    };
    if (input.closed) resolve();
    else input.on('drain', done).on('close', done);
  });
}
