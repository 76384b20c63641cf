/** Values of options, for commander. */
import { InvalidArgumentError } from 'commander';

/** Of an option that may be repeated, in the order they were given; absent when there were none. */
export const collect = (text: string, before: readonly string[] = []) => [...before, text];

/** A whole number from 1 to 9999. Throws what commander shows as a mistake of the command line. */
export function positive(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a whole number from 1');
}
