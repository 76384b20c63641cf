/** What a database with an hour of its own may say. The page's form has the same limits, and does without the schema. */
export const DATABASE_LIMITS = {
  /** Of the day, UTC. */
  hour: { min: 0, max: 23 },
  retentionDays: { min: 1, max: 365 },
} as const;

/** Features row R1: 02:00 for the first database of a plan, 03:00 for all others. */
export const defaultHour = (position: number) => (position === 0 ? 2 : 3);
