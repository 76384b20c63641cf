/** Which rows or files a day changes: one in a hundred, laid out in four ways. */
import { mix, randomOf, shuffle } from './random.ts';

/**
 * From the gentlest to the worst for deduplication. In this order they come one day after another: PostgreSQL writes a changed row
 * into space that earlier changes left, so that after scattered ones even neighbours would be scattered.
 */
export const PATTERNS = ['clustered', 'skewed', 'random', 'scattered'] as const;
export type Pattern = (typeof PATTERNS)[number];
/** As `--pattern` takes them: all are one day after another. */
export const PATTERN_CHOICES = ['all', ...PATTERNS] as const;
export type PatternChoice = (typeof PATTERN_CHOICES)[number];

export const patternsOf = (choice: PatternChoice): readonly Pattern[] =>
  choice === 'all' ? PATTERNS : [choice];

const EVERY = 100;
/** `0.01 = integral of min(1, SKEW * d^-0.75)`, d the distance from the newest as a share of all. */
const SKEW = 0.0028;

/**
 * Numbers from 1 to `total`, about 1 % of them, in the order the changes happen.
 * - scattered: every hundredth.
 * - random: each with the same chance.
 * - skewed: the newest are far likelier than the oldest: two fifths of the changes hit the newest twentieth.
 * - clustered: one run of neighbours, in order, as a batch job would.
 */
export function pickChanged(pattern: Pattern, total: number, seed: number): number[] {
  const random = randomOf(seed, total);
  const chance = (n: number) => mix(mix(n, seed), 11) / 2 ** 32;
  const wanted = Math.max(1, Math.round(total / EVERY));
  const matching = (isChanged: (n: number) => boolean) => {
    const found: number[] = [];
    for (let n = 1; n <= total; n += 1) if (isChanged(n)) found.push(n);
    return found.length === 0 ? [1 + random.integer(total)] : shuffle(found, random);
  };
  switch (pattern) {
    case 'scattered': {
      const offset = random.integer(EVERY);
      return matching((n) => n % EVERY === offset);
    }
    case 'random':
      return matching((n) => chance(n) < 1 / EVERY);
    case 'skewed':
      return matching((n) => chance(n) < SKEW * ((total - n + 0.5) / total) ** -0.75);
    case 'clustered': {
      const first = 1 + random.integer(total - wanted + 1);
      return Array.from({ length: wanted }, (_, i) => first + i);
    }
  }
}
