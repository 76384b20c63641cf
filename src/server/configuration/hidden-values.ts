/**
 * Checks of drills carry values that may be secret: variables, headers and bodies of requests. Who may read plans need not know
 * them, so they go out hidden, and what comes back hidden is what was stored. References to variables stay visible.
 */
import { HoldfastError } from '../../engine/index.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';

export const HIDDEN = '***';

/** `${NAME}` and `{NAME}` say where a value comes from, with the word before a token in a header. */
const REFERENCE = /^(?:(?:Bearer|Basic|Token) )?\$?\{[A-Za-z0-9._-]+\}$/;
/** Headers that say what is sent, never who sends it. */
const PLAIN_HEADERS = /^(?:accept|accept-language|content-type|user-agent)$/i;

type Fields = { readonly [name: string]: unknown };
/** Gives the value to put in place of one that may be secret. */
type Change = (value: unknown, at: readonly (string | number)[]) => unknown;

/** A body as whoever may read it sees it. */
export function withHidden<T>(kind: DocumentKind, body: T): T {
  if (kind !== 'plan') return body;
  return changed(body, (value) => (typeof value === 'string' && value !== '' ? HIDDEN : value)) as T;
}

/**
 * What somebody wrote, with the stored values where it says `***`. Throws `config_invalid` naming a field that says so where
 * nothing is stored. Whatever has another form is left to whoever checks it.
 */
export function withoutHidden<T>(kind: DocumentKind, name: string, body: T, stored: unknown): T {
  if (kind !== 'plan') return body;
  return changed(body, (value, at) => {
    if (value !== HIDDEN) return value;
    const found = valueAt(body, stored, at);
    if (typeof found === 'string') return found;
    throw new HoldfastError(
      'config_invalid',
      `plan.${name}.${at.join('.')}: ${HIDDEN} hides a value, and none is stored`,
      {
        next: 'write the value, or ${NAME} for a variable of the machine that drills',
      },
    );
  }) as T;
}

function changed(body: unknown, change: Change): unknown {
  const checks = at(at(body, 'drill'), 'checks');
  if (!Array.isArray(checks)) return body;
  const drill = at(body, 'drill') as Fields;
  return {
    ...(body as Fields),
    drill: {
      ...drill,
      checks: checks.map((check, i) => changedCheck(check, change, ['drill', 'checks', i])),
    },
  };
}

function changedCheck(check: unknown, change: Change, path: readonly (string | number)[]): unknown {
  if (!isFields(check)) return check;
  const http = check.http;
  return {
    ...check,
    ...values(check, 'environment', change, path),
    ...(Array.isArray(http) && {
      http: http.map((one, i) => {
        if (!isFields(one)) return one;
        const here = [...path, 'http', i];
        const body = 'body' in one ? { body: unlessReference(one.body, change, [...here, 'body']) } : {};
        return { ...one, ...values(one, 'headers', change, here), ...body };
      }),
    }),
  };
}

function values(
  of: Fields,
  field: 'environment' | 'headers',
  change: Change,
  path: readonly (string | number)[],
) {
  const map = of[field];
  if (!isFields(map)) return {};
  const isPlain = (name: string) => field === 'headers' && PLAIN_HEADERS.test(name);
  const entries = Object.entries(map).map(([name, value]) => [
    name,
    isPlain(name) ? value : unlessReference(value, change, [...path, field, name]),
  ]);
  return { [field]: Object.fromEntries(entries) };
}

const unlessReference = (value: unknown, change: Change, path: readonly (string | number)[]) =>
  typeof value === 'string' && REFERENCE.test(value) ? value : change(value, path);

/** The stored value at the same place of the check, and the request, that is meant. */
function valueAt(body: unknown, stored: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<{ given: unknown; stored: unknown }>(
    (here, step) => {
      const isList = Array.isArray(here.given) && Array.isArray(here.stored);
      const same = isList
        ? sameOf(here.given as unknown[], here.stored as unknown[], step as number)
        : at(here.stored, step);
      return { given: at(here.given, step), stored: same };
    },
    { given: body, stored },
  ).stored;
}

/** That of the same name, or else that does the same; of several, the one at the same position of a list as long. */
function sameOf(given: readonly unknown[], stored: readonly unknown[], position: number): unknown {
  const one = given[position];
  const fields = at(one, 'name') === undefined ? ['kind', 'command', 'method', 'path'] : ['kind', 'name'];
  const same = stored.filter((other) => fields.every((field) => at(other, field) === at(one, field)));
  if (same.length === 1) return same[0];
  const here = stored[position];
  return given.length === stored.length && same.includes(here) ? here : undefined;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function at(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string | number, unknown>)[step];
}
