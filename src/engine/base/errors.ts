/** What engine code throws; each surface renders it once. This is the door to the registry and to the exit codes, too. */
import { ERRORS, type ErrorCode } from './error-registry.ts';
import { EXIT } from './exit-codes.ts';

export { ERRORS, type ErrorCode } from './error-registry.ts';
export { EXIT, type ExitName } from './exit-codes.ts';

/** An error with a stable code. `message` is lower case, without full stop, and names the object. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  /** The next step for the reader. */
  readonly next: string;

  constructor(code: ErrorCode, detail?: string, options: { cause?: unknown; next?: string } = {}) {
    super(detail ?? ERRORS[code].what, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.next = options.next ?? ERRORS[code].next;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get exitCode(): number {
    return EXIT[ERRORS[this.code].exit];
  }
}

/** The code of an error, or null for anything that is not ours. */
export function codeOf(error: unknown): ErrorCode | null {
  return error instanceof HoldfastError ? error.code : null;
}

/** True when an error brings a next step of its own, closer than that of its code. */
export function hasOwnStep(error: unknown): boolean {
  return error instanceof HoldfastError && error.next !== ERRORS[error.code].next;
}

/** The `code` of a Node system error (`ENOENT`), or null. */
export function systemCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

/** Turns anything thrown into a HoldfastError; ours pass unchanged, others become `internal`. */
export function asHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new HoldfastError('internal', text, { cause: error });
}
