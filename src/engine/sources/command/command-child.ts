import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { HoldfastError } from '../../base/errors.ts';

export interface CommandCall {
  /** A list is run as it is; a text by a shell, where a failure anywhere in a pipe counts if the shell can tell. */
  readonly command: string | readonly string[];
  /** Added to PATH, HOME and LANG; nothing of this process's own environment is passed on. */
  readonly environment?: { readonly [name: string]: string };
  /** No limit when left out. */
  readonly timeoutMs?: number;
  /** Between SIGTERM and SIGKILL. Default 3 s. */
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
  /** Goes on when this process ends at once; else it is taken along. */
  readonly outlives?: boolean;
}

export interface CommandChild {
  readonly child: ChildProcess;
  /**
   * Resolves when the command ended well and its pipes are closed. Throws `command_failed` with the end of its
   * messages, `interrupted`. Afterwards nothing of its process group is left.
   */
  readonly ended: Promise<void>;
  /** Ends the command and everything it started: SIGTERM, then SIGKILL. With `now`, SIGKILL at once. */
  stop(now?: 'now'): void;
}

type Reason = 'aborted' | 'timeout' | 'stopped';

const STDERR_KEPT = 4000;
const GRACE_MS = 3000;
const BASE_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

/** Starts a command in a process group of its own. `data` is the pipe that carries the artifact. */
export function startCommand(call: CommandCall, data: 'stdin' | 'stdout'): CommandChild {
  const { program, args, env } = commandLine(call);
  const child = spawn(program, args, {
    stdio: data === 'stdin' ? ['pipe', 'ignore', 'pipe'] : ['ignore', 'pipe', 'pipe'],
    env,
    detached: true,
  });
  let why: Reason | null = null;
  let killer: NodeJS.Timeout | undefined;
  const killNow = () => {
    killGroup(child, 'SIGKILL');
    // What left the group could hold a pipe open for ever.
    for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
  };
  const stopBecause = (reason: Reason, now = false) => {
    why ??= reason;
    if (now) killNow();
    else if (!killer) {
      killGroup(child, 'SIGTERM');
      killer = setTimeout(killNow, call.graceMs ?? GRACE_MS);
    }
  };
  const onAbort = () => stopBecause('aborted');
  // A process that ends at once, as by a second Ctrl-C, takes the command along.
  if (!call.outlives) process.once('exit', killNow);
  call.signal?.addEventListener('abort', onAbort, { once: true });
  if (call.signal?.aborted) onAbort();
  const timer = call.timeoutMs ? setTimeout(() => stopBecause('timeout'), call.timeoutMs) : undefined;
  const messages = tailOf(child);
  let settled = false;
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(failed(program, `cannot be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (why === 'aborted') reject(new HoldfastError('interrupted'));
      else if (why === 'timeout') reject(failed(program, `took longer than ${call.timeoutMs} ms`));
      else if (code === 0 && why === null) resolve();
      else reject(failed(program, `ended with ${signal ?? `code ${code}`}: ${messages() || 'no message'}`));
    });
  }).finally(() => {
    settled = true;
    process.off('exit', killNow);
    clearTimeout(killer);
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
    killGroup(child, 'SIGKILL');
  });
  // Whoever awaits it later still gets the rejection.
  ended.catch(() => {});
  return { child, ended, stop: (now) => settled || stopBecause('stopped', now === 'now') };
}

/** What `spawn` is given for a call. */
export function commandLine({ command, environment }: Pick<CommandCall, 'command' | 'environment'>) {
  const [program, ...args] = argumentsOf(command);
  return { program, args, env: { ...BASE_ENVIRONMENT, HOME: homeFolder(), ...environment } };
}

/** A dump that fails before `| gzip` must not pass for a good one. */
const PIPEFAIL = '(set -o pipefail) 2>/dev/null && set -o pipefail\n';

function argumentsOf(command: string | readonly string[]): readonly [string, ...string[]] {
  if (typeof command === 'string') {
    if (command.trim() === '') throw new HoldfastError('usage', 'the command is empty');
    const shell = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
    return [shell, '-c', `${PIPEFAIL}${command}`];
  }
  const [program, ...args] = command;
  if (!program) throw new HoldfastError('usage', 'the command is empty');
  return [program, ...args];
}

/** From the user database, since the environment is not ours to read. */
function homeFolder(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

function tailOf(child: ChildProcess): () => string {
  let tail = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_KEPT);
  });
  child.stderr!.on('error', () => {});
  return () => tail.trim();
}

function failed(program: string, what: string): HoldfastError {
  return new HoldfastError('command_failed', `the command ${program} ${what}`);
}
