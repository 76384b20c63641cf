const USER_AND_PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#'"]*):([^\s/?#'"]*)@/gi;
/** A password that itself holds `/`, `?` or `#`, written without encoding: hidden up to the last `@`. */
const BROKEN_PASSWORD = /\b(postgres(?:ql)?:\/\/)([^\s:@/?#'"]*):([^\s'"]+)@/gi;
const SECRET_PARAMETER = /([?&\s;](?:password|passfile|sslpassword|secret|token)=)([^&\s'"#]+)/gi;
const KEY_TEXT = /\bhf([kp])1-[0-9a-z-]+/gi;

/**
 * Hides passwords in addresses (`postgres://app:***@db/orders`), secret parameters and key texts wherever they
 * stand in a text. Everything the command line shows passes through here.
 */
export function mask(text: string): string {
  return text
    .replace(BROKEN_PASSWORD, '$1$2:***@')
    .replace(USER_AND_PASSWORD, '$1$2:***@')
    .replace(SECRET_PARAMETER, '$1***')
    .replace(KEY_TEXT, (_, kind: string) => `hf${kind.toLowerCase()}1-***`);
}

/** The same in every text of a JSON value. */
export function maskDeep(value: unknown): unknown {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map(maskDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskDeep(inner)]));
}

/** Says that an argument holds a password which others can see in the list of processes. */
export function warnAboutPassword(cli: { note(text: string): void }, argument: string): void {
  if (mask(argument) === argument) return;
  cli.note('warning: others on this machine can see a password on a command line; ~/.pgpass is safer');
}
