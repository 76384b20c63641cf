import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
/** Of compiled code. One for all: every test has a home of its own, and each would compile everything anew. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/holdfast-tests', import.meta.url));

export interface CliRun {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRunOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Another user, to meet missing permissions; only root may do so. */
  readonly uid?: number;
  /** No file may grow beyond this, as if its disk were full: writing ends with EFBIG. */
  readonly fileLimitBytes?: number;
  readonly onStart?: (child: ChildProcess) => void;
}

/** POSIX counts in blocks of 512 bytes; with the signal ignored, a write beyond the limit fails instead of killing. */
const limitScript = (bytes: number) => `trap '' XFSZ; ulimit -f ${Math.ceil(bytes / 512)}; exec "$@"`;

/** Runs bin/holdfast.js as its own process, with nothing of this process's environment but PATH, and a cache of its code. */
export function runCli(args: readonly string[], options: CliRunOptions): Promise<CliRun> {
  const { promise, resolve, reject } = Promise.withResolvers<CliRun>();
  const line = [process.execPath, BIN, ...args];
  const limit = options.fileLimitBytes;
  const [program, ...rest] =
    limit === undefined ? line : ['/bin/sh', '-c', limitScript(limit), 'sh', ...line];
  const child = spawn(program!, rest, {
    cwd: options.folder,
    env: { PATH: process.env.PATH, HOME: options.folder, XDG_CACHE_HOME: CACHE, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  options.onStart?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.on('error', reject);
  child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  return promise;
}
