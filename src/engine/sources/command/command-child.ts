import { type ChildProcess, spawn } from 'node:child_process';
import { HoldfastError } from '../../base/errors.ts';

export interface CommandCall {
  /** A list is run as it is; a text by `/bin/sh -c`. */
  readonly command: string | readonly string[];
  /** Added to PATH, HOME and LANG; nothing else of this process is passed on. */
  readonly environment?: { readonly [name: string]: string };
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface CommandChild {
  readonly child: ChildProcess;
  /** Resolves when the command ended well. Throws `command_failed` with the end of its messages, `interrupted`. */
  readonly ended: Promise<void>;
  /** Ends the command and everything it started: SIGTERM, then SIGKILL. */
  stop(): void;
}

const STDERR_KEPT = 4000;
const GRACE_MS = 3000;
const BASE_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

/** Starts a command in a process group of its own. */
export function startCommand(call: CommandCall, stdin: 'ignore' | 'pipe'): CommandChild {
  const [program, ...args] =
    typeof call.command === 'string' ? ['/bin/sh', '-c', call.command] : call.command;
  if (!program) throw new HoldfastError('usage', 'the command is empty');
  const child = spawn(program, args, {
    stdio: [stdin, stdin === 'pipe' ? 'ignore' : 'pipe', 'pipe'],
    env: { ...BASE_ENVIRONMENT, ...call.environment },
    detached: true,
  });
  let killer: NodeJS.Timeout | undefined;
  let why: 'aborted' | 'timeout' | null = null;
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid) process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const stop = () => {
    if (killer || child.exitCode !== null) return;
    kill('SIGTERM');
    killer = setTimeout(() => kill('SIGKILL'), GRACE_MS);
  };
  const stopBecause = (reason: 'aborted' | 'timeout') => () => {
    why ??= reason;
    stop();
  };
  const onAbort = stopBecause('aborted');
  call.signal?.addEventListener('abort', onAbort, { once: true });
  if (call.signal?.aborted) onAbort();
  const timer = call.timeoutMs ? setTimeout(stopBecause('timeout'), call.timeoutMs) : undefined;
  let messages = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(-STDERR_KEPT);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(failed(program, `cannot be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (why === 'aborted') reject(new HoldfastError('interrupted'));
      else if (why === 'timeout') reject(failed(program, `took longer than ${call.timeoutMs} ms`));
      else if (code === 0) resolve();
      else
        reject(failed(program, `ended with ${signal ?? `code ${code}`}: ${messages.trim() || 'no message'}`));
    });
  }).finally(() => {
    clearTimeout(killer);
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
    kill('SIGKILL');
  });
  ended.catch(() => {});
  return { child, ended, stop };
}

function failed(program: string, what: string): HoldfastError {
  return new HoldfastError('command_failed', `the command ${program} ${what}`);
}
