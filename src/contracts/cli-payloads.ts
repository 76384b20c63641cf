/**
 * What each command writes with --json: exactly one of these documents. Sizes in bytes, durations in
 * milliseconds, times in ISO 8601 UTC. New fields may appear; none goes away or changes its meaning.
 */
export * from './backup-payloads.ts';
export * from './care-payloads.ts';
export * from './discover-payload.ts';
export * from './restore-payloads.ts';
