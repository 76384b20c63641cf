import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type ErrorCode, HoldfastError, systemCode } from '../../base/errors.ts';
import { connectionVariables, type PostgresAddress } from './address.ts';
import { codeOfMessage, targetCode, withoutSecret } from './failures.ts';

/** Enough for the message that tells the cause; pg_restore can warn without end. */
const STDERR_TAIL_BYTES = 8192;

export interface ToolCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly address: PostgresAddress;
  /** The tool's home: keeps ~/.pgpass, ~/.psqlrc and the like out of it. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** Where standard output goes; `child.stdout` is null then. */
  readonly stdout?: number | undefined;
  /** Has standard output written 64 KiB at a time, as much as a pipe holds, where the system knows how. */
  readonly largeWrites?: boolean;
  /** The code of a failure whose message says nothing more particular. */
  readonly failure: ErrorCode;
}

export interface RunningTool {
  readonly child: ChildProcess;
  /**
   * Resolves once the tool ended with 0 and its pipes are closed. Rejects with the code its message tells, or
   * `interrupted` when the signal came, or `tool_missing` when it could not be started.
   */
  readonly finished: Promise<void>;
}

/**
 * Starts a client tool with a minimal environment. Login data goes by that environment alone: arguments would
 * show in the process list.
 */
export function startTool(call: ToolCall): RunningTool {
  const [program, ...args] = commandOf(call);
  const child = spawn(program, args, {
    stdio: ['pipe', call.stdout ?? 'pipe', 'pipe'],
    cwd: call.scratchFolder,
    env: toolEnvironment(call),
  });
  const tail = tailOf(child);
  const abort = () => child.kill('SIGKILL');
  if (call.signal?.aborted) abort();
  call.signal?.addEventListener('abort', abort, { once: true });
  const finished = new Promise<void>((resolve, reject) => {
    let failure: HoldfastError | null = null;
    child.once('error', (error) => {
      failure ??= startFailure(call, error);
      if (child.pid === undefined) reject(failure);
    });
    child.once('close', (code, signalName) => {
      call.signal?.removeEventListener('abort', abort);
      if (call.signal?.aborted) reject(new HoldfastError('interrupted'));
      else if (code === 0) resolve();
      else
        reject(failure ?? exitFailure(call, tail(), code === null ? `signal ${signalName}` : `exit ${code}`));
    });
  });
  // Whoever awaits it later still gets the rejection.
  finished.catch(() => {});
  child.stdin!.on('error', () => {});
  return { child, finished };
}

/**
 * The C library writes to a pipe in pieces of 4 KiB, and each may wake who reads. GNU's stdbuf, a part of coreutils, becomes the program
 * after it has asked the library for another size.
 */
function commandOf({ program, args, largeWrites }: ToolCall): readonly [string, ...string[]] {
  const stdbuf = '/usr/bin/stdbuf';
  return largeWrites && existsSync(stdbuf) ? [stdbuf, '--output=64K', program, ...args] : [program, ...args];
}

/** The variables a tool runs with, and nothing else. */
export function toolEnvironment({
  address,
  scratchFolder,
}: Pick<ToolCall, 'address' | 'scratchFolder'>): Record<string, string> {
  return {
    PATH: '/usr/bin:/bin',
    HOME: scratchFolder,
    LC_ALL: 'C',
    PGPASSFILE: `${scratchFolder}/no-password-file`,
    PGAPPNAME: 'holdfast',
    ...connectionVariables(address),
  };
}

function tailOf(child: ChildProcess): () => string {
  let tail = Buffer.alloc(0);
  child.stderr!.on('data', (bytes: Buffer) => {
    tail = Buffer.concat([tail, bytes]).subarray(-STDERR_TAIL_BYTES);
  });
  return () => tail.toString('utf8').trim();
}

function startFailure(call: ToolCall, error: unknown): HoldfastError {
  const reason = systemCode(error) === 'ENOENT' ? 'is not there' : 'could not be started';
  return new HoldfastError('tool_missing', `${call.program} ${reason}`, { cause: error });
}

function exitFailure(call: ToolCall, stderr: string, ending: string): HoldfastError {
  const tool = call.program.slice(call.program.lastIndexOf('/') + 1);
  const said = stderr === '' ? '' : `: ${withoutSecret(stderr, call.address)}`;
  const code = codeOfMessage(stderr, call.failure);
  const ours = call.failure.startsWith('source_') ? code : targetCode(code);
  return new HoldfastError(ours, `${tool} ended with ${ending}${said}`);
}

/**
 * Feeds a tool's standard input and waits for its end. What the tool says about its own failure goes before the broken
 * pipe that follows from it; a failure of `input` ends the tool.
 */
export async function feedTool(call: ToolCall, input: AsyncIterable<Buffer>): Promise<void> {
  const { child, finished } = startTool(call);
  child.stdout!.resume();
  try {
    await pipeline(input, child.stdin!);
  } catch (error) {
    if (systemCode(error) !== 'EPIPE' && systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') {
      child.kill('SIGKILL');
      await finished.catch(() => {});
      throw call.signal?.aborted ? new HoldfastError('interrupted') : error;
    }
  }
  await finished;
}

/** Runs a tool that reads nothing and writes little, and gives its standard output. */
export async function toolOutput(call: ToolCall): Promise<string> {
  const { child, finished } = startTool(call);
  child.stdin!.end();
  const parts: Buffer[] = [];
  child.stdout!.on('data', (bytes) => parts.push(bytes));
  await finished;
  return Buffer.concat(parts).toString('utf8');
}
