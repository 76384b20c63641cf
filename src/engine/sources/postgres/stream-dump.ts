import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { ByteSink } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { type ArchiveParser, archiveParser } from './archive-parser.ts';
import { startTool } from './child.ts';
import type { DumpFacts } from './facts.ts';
import { openOutputPipe } from './output-pipe.ts';
import type { ClientTools } from './tools.ts';
import { writeWithCuts } from './write-with-cuts.ts';

export interface DumpCall {
  readonly tools: ClientTools;
  readonly address: PostgresAddress;
  readonly snapshotId: string | null;
  readonly scratchFolder: string;
  readonly sink: ByteSink;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
  /** How long pg_dump may wait for a table lock. */
  readonly lockTimeoutMs: number;
  /**
   * Called when the table of contents is there and pg_dump holds its locks, before the first byte is handed on.
   * What it throws ends the dump.
   */
  readonly beforeData?: () => Promise<void>;
}

/**
 * Dumps one database in custom format, uncompressed, into a sink. Resolves only when pg_dump ended with 0 and the
 * archive is whole: either alone would call some partial dump a success. Throws `source_failed`,
 * `database_unreachable`, `database_auth`, `source_missing`, `source_denied`, `source_busy`, `tool_missing`, `interrupted`.
 */
export async function streamDump(call: DumpCall): Promise<DumpFacts> {
  const pipe = await openOutputPipe(call.scratchFolder);
  const { child, finished } = startTool({
    stdout: pipe?.writeEnd,
    largeWrites: true,
    program: join(call.tools.folder, 'pg_dump'),
    args: dumpArguments(call),
    address: call.address,
    scratchFolder: call.scratchFolder,
    signal: call.signal,
    failure: 'source_failed',
  });
  child.stdin!.end();
  pipe?.closeWriteEnd();
  const parser = archiveParser();
  try {
    await forward(pipe?.pieces() ?? child.stdout!, parser, call);
    await finished;
  } catch (error) {
    child.kill('SIGKILL');
    await finished.catch(() => {});
    // A pipe cut by an interrupt is the interrupt; what the archive lacks then says nothing.
    throw call.signal?.aborted ? new HoldfastError('interrupted') : error;
  } finally {
    await pipe?.close();
  }
  return parser.end();
}

function dumpArguments({ snapshotId, lockTimeoutMs }: DumpCall): string[] {
  return [
    '--format=custom',
    '--compress=0',
    '--no-password',
    `--lock-wait-timeout=${lockTimeoutMs}`,
    ...(snapshotId === null ? [] : [`--snapshot=${snapshotId}`]),
  ];
}

async function forward(stdout: AsyncIterable<Buffer>, parser: ArchiveParser, call: DumpCall): Promise<void> {
  let held: { bytes: Buffer; cuts: readonly number[] }[] | null = [];
  let offset = 0;
  const pass = async (bytes: Buffer, cuts: readonly number[]) => {
    await writeWithCuts(call.sink, bytes, offset, cuts);
    offset += bytes.length;
    call.progress?.advance({ bytes: bytes.length });
    // pg_dump may have ended by now, and its exit code would then say nothing of the interrupt.
    if (call.signal?.aborted) throw new HoldfastError('interrupted');
  };
  for await (const bytes of stdout) {
    const cuts = parser.push(bytes);
    if (held === null) {
      await pass(bytes, cuts);
      continue;
    }
    held.push({ bytes: Buffer.from(bytes), cuts });
    if (parser.toc() === null) continue;
    await call.beforeData?.();
    for (const piece of held) await pass(piece.bytes, piece.cuts);
    held = null;
  }
}
