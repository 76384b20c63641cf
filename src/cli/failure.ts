import { asHoldfastError, codeOf, type ErrorCode, HoldfastError, systemCode } from '../engine/base/errors.ts';
import { printable } from './format.ts';
import { mask } from './mask.ts';

/** An error as a surface shows it. Secrets are masked, control characters made visible. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly exitCode: number;
  /** Where it happened, for a report; null for errors that explain themselves. */
  readonly details: string | null;
}

/**
 * Whatever was thrown, in terms of the registry. After Ctrl-C every error is the interruption it follows from.
 * `help` is the command line that explains what was mistyped.
 */
export function failureOf(thrown: unknown, interrupted: boolean, help = 'holdfast --help'): Failure {
  const error =
    interrupted && codeOf(thrown) !== 'interrupted'
      ? new HoldfastError('interrupted')
      : translate(thrown, help);
  const stack = error.cause instanceof Error ? error.cause.stack : error.stack;
  return {
    code: error.code,
    message: safe(error.message),
    next: safe(error.next),
    exitCode: error.exitCode,
    details: error.code === 'internal' ? safe(stack ?? '') : null,
  };
}

export function renderFailure(failure: Failure): string {
  const details = failure.details === null ? '' : `${failure.details}\n`;
  return `${details}holdfast: ${failure.message}\n  next: ${failure.next}\n`;
}

export function failureJson(failure: Failure): unknown {
  const { code, message, next } = failure;
  return { error: { code, message, next } };
}

function translate(thrown: unknown, help: string): HoldfastError {
  const code = systemCode(thrown);
  if (!code?.startsWith('commander.')) return asHoldfastError(thrown);
  const message =
    code === 'commander.help' ? 'no command was named' : commanderMessage((thrown as Error).message);
  return new HoldfastError('usage', message, { next: `see ${help}` });
}

/** `error: unknown command 'bakup'\n(Did you mean backup?)` → `unknown command 'bakup', did you mean backup?` */
function commanderMessage(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\n?\(Did you mean (.*)\?\)\s*$/, ', did you mean $1?')
    .replace(
      /'([^']*)' is invalid\. (.)/,
      (_, value, first: string) => `'${value}' is invalid: ${first.toLowerCase()}`,
    )
    .replace(/^required option '(--\S+).*' not specified$/, '$1 is missing')
    .replace(/^missing required argument '(.*)'$/, '<$1> is missing')
    .replace(/^too many arguments for '(.*)'\. .*$/, 'too many arguments for $1')
    .replace(/\.$/, '')
    .trim();
}

function safe(text: string): string {
  return mask(text).split('\n').map(printable).join('\n');
}
