import { DATABASE_LIMITS, defaultHour } from '../../../src/contracts/database-times.ts';
import { type Body, isBody, withFieldAt } from './nested-field.ts';

export type DatabaseNumber = keyof typeof DATABASE_LIMITS;

/** Those of a plan with an hour of their own; what else stands there is left to the server to refuse. */
export function databasesOf({ databases }: Body): Readonly<Record<string, Body>> {
  if (!isBody(databases)) return {};
  return Object.fromEntries(Object.entries(databases).map(([name, one]) => [name, isBody(one) ? one : {}]));
}

/** With an hour of its own for a database; null takes that away. A new one gets the hour that the contract gives it. */
export function withDatabase(body: Body, name: string, one: Body | null): Body {
  const before = databasesOf(body);
  if (one) return { ...body, databases: { ...before, [name]: one } };
  const { [name]: _, ...others } = before;
  return withFieldAt(body, 'databases', Object.keys(others).length > 0 ? others : undefined);
}

export const newDatabase = (body: Body): Body => ({
  hour: defaultHour(Object.keys(databasesOf(body)).length),
});

/** The hour of one that says none. */
export const inheritedHour = (body: Body, name: string) =>
  defaultHour(Object.keys(databasesOf(body)).indexOf(name));

/** With these sources. The hour of a database that is no source any more goes with it: the server refuses one. */
export function withSources(body: Body, sources: readonly string[]): Body {
  const gone = Object.keys(databasesOf(body)).filter((name) => !sources.includes(name));
  return gone.reduce<Body>((next, name) => withDatabase(next, name, null), { ...body, sources });
}

/** What is wrong with a number, in the words of the server; null for nothing, and for one that is left out. */
export function numberProblem(field: DatabaseNumber, value: unknown): string | null {
  const { min, max } = DATABASE_LIMITS[field];
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) return 'must be a whole number';
  if (value < min) return `must be at least ${min}`;
  return value > max ? `must be at most ${max}` : null;
}
