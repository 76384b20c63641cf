/** Runs a command and measures it: wall time, processor time, peak memory of all its processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { argumentsOf, type Command, describe } from './command.ts';
import { processState, treeMemory } from './process-tree.ts';

export interface Measurement {
  readonly wallSeconds: number;
  /** User and system time of every process of the run. A database server is none of them: it was there before. */
  readonly cpuSeconds: number;
  /** The highest sum of resident memory over the same processes. */
  readonly peakBytes: number;
}

const SAMPLE_EVERY_MS = 10;
const KEPT_ERROR_BYTES = 4000;

/**
 * Rejects when the command fails, with the end of what it wrote to standard error. An aborted signal ends it. Only one
 * may run at a time: processor time is told apart by when it was used.
 */
export async function measure(command: Command, signal: AbortSignal): Promise<Measurement> {
  const usedBefore = processState('self')!.waitedSeconds;
  let peakBytes = 0;
  const startedMs = performance.now();
  await run(command, signal, (pid) => {
    const sum = treeMemory(pid);
    const sample = () => {
      peakBytes = Math.max(peakBytes, sum());
    };
    const timer = setInterval(sample, SAMPLE_EVERY_MS);
    return () => clearInterval(timer);
  });
  return {
    wallSeconds: Math.round(performance.now() - startedMs) / 1000,
    // The kernel counts in hundredths.
    cpuSeconds: Math.round((processState('self')!.waitedSeconds - usedBefore) * 100) / 100,
    peakBytes,
  };
}

/** Runs a command that is not measured. `onStart` may give what is to be called at its end. */
export async function run(
  command: Command,
  signal: AbortSignal,
  onStart?: (pid: number) => () => void,
): Promise<void> {
  signal.throwIfAborted();
  const child = start(command);
  const stop = () => killGroup(child);
  signal.addEventListener('abort', stop);
  const onEnd = child.pid === undefined ? undefined : onStart?.(child.pid);
  try {
    await ended(child, command, signal);
  } finally {
    signal.removeEventListener('abort', stop);
    onEnd?.();
  }
}

/** What a command writes, by way of a file. Without the last line's end. */
export async function output(command: Command, file: string, signal: AbortSignal): Promise<string> {
  await run({ ...command, outputFile: file }, signal);
  return readFileSync(file, 'utf8').replace(/\n$/, '');
}

/** In a group of its own, so that all of it can be ended; and with no more of the environment than it needs. */
function start(command: Command): ChildProcess {
  const words = argumentsOf(command);
  const output = command.outputFile ? openSync(command.outputFile, 'w', 0o600) : 'ignore';
  try {
    return spawn(words[0]!, words.slice(1), {
      stdio: ['ignore', output, 'pipe'],
      detached: true,
      cwd: command.cwd,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...command.env },
    });
  } finally {
    if (typeof output === 'number') closeSync(output);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function ended(child: ChildProcess, command: Command, abort: AbortSignal): Promise<void> {
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-KEPT_ERROR_BYTES);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${describe(command)} does not start: ${error.message}`, { cause: error })),
    );
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else if (abort.aborted) reject(abort.reason);
      else reject(new Error(`${describe(command)} ended with ${code ?? signal}: ${errors.trim()}`));
    });
  });
}
