import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Environment } from '../contracts/interpolate.ts';
import { systemCode } from '../engine/base/errors.ts';
import type { LoadedConfig } from './settings.ts';

export interface CommandEnd {
  /** Null when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started; null when it was. */
  readonly failure: string | null;
}

/**
 * Runs a command in the foreground: it has the terminal, and Ctrl-C reaches it as always. SIGTERM and SIGHUP are passed on.
 * Never throws. `quiet` keeps standard output free: what the command writes there goes to standard error.
 */
export function runInForeground(
  argv: readonly string[],
  options: { readonly folder: string; readonly environment: Environment; readonly quiet: boolean },
): Promise<CommandEnd> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, {
    cwd: options.folder,
    env: options.environment as NodeJS.ProcessEnv,
    stdio: options.quiet ? ['inherit', 2, 'inherit'] : 'inherit',
  });
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn);
  const { promise, resolve } = Promise.withResolvers<CommandEnd>();
  child.once('error', (error) => {
    const failure = systemCode(error) === 'ENOENT' ? 'it was not found' : error.message;
    resolve({ exitCode: null, signal: null, failure });
  });
  child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, failure: null }));
  return promise.finally(() => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, passOn);
  });
}

/** As a shell would give it: 128 and the signal, 127 for what was not found. */
export function exitCodeOf({ exitCode, signal, failure }: CommandEnd): number {
  if (failure !== null) return 127;
  return exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

const OWN =
  /^(BACKUP_ENCRYPTION_KEY|S3_SECRET_ACCESS_KEY|S3_SESSION_TOKEN|SFTP_(PASSWORD|PRIVATE_KEY|PASSPHRASE))/;

/** The environment without keys and logins of backups: those named by custom, and those that the configuration names. */
export function withoutKeys(environment: Environment, loaded: LoadedConfig | null): Environment {
  const destinations = Object.values(loaded?.config.destinations ?? {});
  const named = new Set(
    destinations.flatMap(({ keys, s3, supabase, sftp }) => namesIn([keys, s3, supabase, sftp])),
  );
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !OWN.test(name) && !named.has(name)),
  );
}

/** Every `env` of references, however deep. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'env' && typeof inner === 'string' ? [inner] : namesIn(inner),
  );
}
