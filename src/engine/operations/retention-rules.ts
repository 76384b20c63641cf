import { HoldfastError } from '../base/errors.ts';

/**
 * How long the backups of one plan are kept. Null or absent means that the rule is not used.
 *
 * There are two kinds of rules:
 * - **Keep rules** (`keepLast`, `hourly`, `daily`, `weekly`, `monthly`, `yearly`) select backups. A backup is
 *   selected when at least one of them selects it. When no keep rule is used, every backup is selected.
 * - **Limits** (`days`, `versions`) then cut: a selected backup older than `days` goes, and so does every
 *   selected backup beyond the newest `versions`. Either limit is enough.
 *
 * `resolveRetention` fills in the defaults.
 */
export interface RetentionRules {
  /** Limit: nothing older than this many days of 24 hours. */
  readonly days?: number | null;
  /** Limit: never more than this many backups. */
  readonly versions?: number | null;
  /** Keeps the newest N. */
  readonly keepLast?: number | null;
  /** Keeps the last backup of each of the N most recent hours that have one; the others likewise. */
  readonly hourly?: number | null;
  readonly daily?: number | null;
  /** Weeks begin on Monday (ISO 8601). */
  readonly weekly?: number | null;
  readonly monthly?: number | null;
  readonly yearly?: number | null;
}

export const KEEP_RULES = ['keepLast', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export const RETENTION_RULES = ['days', 'versions', ...KEEP_RULES] as const;

export type KeepRule = (typeof KEEP_RULES)[number];
export type RetentionRule = (typeof RETENTION_RULES)[number];

/** Every rule with its value; null where it is not used. */
export type ResolvedRetention = { readonly [rule in RetentionRule]: number | null };

/** What applies when a plan says nothing. */
export const DEFAULT_LIMITS = { days: 365, versions: 52 } as const;

/** Ready-made sets of keep rules. */
export const RETENTION_PRESETS = {
  'two-weeks': { daily: 14 },
  standard: { daily: 14, weekly: 8 },
  year: { daily: 14, weekly: 8, monthly: 12 },
  archive: { daily: 14, weekly: 8, monthly: 24, yearly: 10 },
} as const satisfies Record<string, RetentionRules>;

export type RetentionPreset = keyof typeof RETENTION_PRESETS;

/**
 * Rules with their defaults. Whatever stands beside a preset overrides it. The default limits apply only when
 * no keep rule is used: who asks for ten yearly backups is not to lose them to a default of 365 days.
 * Throws `config_invalid` for an unknown preset and for values that are not whole numbers of at least 1.
 */
export function resolveRetention(
  rules: RetentionRules & { readonly preset?: string | null } = {},
): ResolvedRetention {
  const given: RetentionRules = { ...presetRules(rules.preset ?? null), ...withoutUndefined(rules) };
  const usesKeepRule = KEEP_RULES.some((rule) => given[rule] != null);
  const limit = (name: 'days' | 'versions') => {
    const value = given[name];
    if (value !== undefined) return value;
    return usesKeepRule ? null : DEFAULT_LIMITS[name];
  };
  const resolved = {
    days: limit('days'),
    versions: limit('versions'),
    keepLast: given.keepLast ?? null,
    hourly: given.hourly ?? null,
    daily: given.daily ?? null,
    weekly: given.weekly ?? null,
    monthly: given.monthly ?? null,
    yearly: given.yearly ?? null,
  };
  for (const [rule, value] of Object.entries(resolved)) checkValue(rule, value);
  return resolved;
}

function presetRules(preset: string | null): RetentionRules {
  if (preset === null) return {};
  if (Object.hasOwn(RETENTION_PRESETS, preset)) return RETENTION_PRESETS[preset as RetentionPreset];
  throw new HoldfastError('config_invalid', `unknown retention preset "${preset}"`, {
    next: `use one of ${Object.keys(RETENTION_PRESETS).join(', ')}`,
  });
}

function withoutUndefined(rules: RetentionRules): RetentionRules {
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
}

function checkValue(rule: string, value: number | null): void {
  if (value === null || (Number.isSafeInteger(value) && value >= 1)) return;
  throw new HoldfastError('config_invalid', `retention.${rule} must be a whole number of at least 1`);
}
