import { mayReplace } from '../contracts/production.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import { mask } from './mask.ts';

/**
 * Promise X1: nothing destructive without --confirm-restore (or CONFIRM=yes), and in production also
 * CONFIRM_RESTORE_IN_PROD=true. `args` are those of the command, without the flag. Throws `not_confirmed` with the command line to run, nothing done yet.
 */
export function requireConfirmation(cli: Cli, confirmed: boolean, args: readonly string[]): void {
  const { environment } = cli.io;
  const isConfirmed = confirmed || environment.CONFIRM === 'yes';
  const needsMore = !mayReplace(environment);
  if (isConfirmed && !needsMore) return;
  const prefix = needsMore ? 'CONFIRM_RESTORE_IN_PROD=true ' : '';
  const command = `${prefix}holdfast ${[...args, '--confirm-restore'].map(shellQuoted).join(' ')}`;
  const message = isConfirmed
    ? 'this is production, and restoring here was not confirmed'
    : 'this writes to the target and was not confirmed';
  throw new HoldfastError('not_confirmed', message, { next: `once you are sure, run: ${mask(command)}` });
}

/** As a POSIX shell reads it back. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
