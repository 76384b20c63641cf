/** What zod finds wrong, in sentences of ours: they name the bound, and never repeat a value, which could be a secret. */
import { nearest } from './suggest.ts';

type Path = readonly (string | number)[];

/** An issue of zod, as far as sentences need it. */
export interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly expected?: string;
  readonly format?: string;
  /** What is too small or too big, such as `number`, `string`, `array`. */
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly exact?: boolean;
  readonly issues?: readonly { readonly message: string }[];
  /** Of a union: what each of its forms found. */
  readonly errors?: readonly (readonly Issue[])[];
}

export interface IssueProblem {
  readonly path: Path;
  /** Lower case, no full stop. */
  readonly message: string;
  /** The path that a misspelt field was meant to have. */
  readonly meant?: string;
}

/** The fields that may stand at a path of a value; empty where nobody can tell. */
export type FieldsAt = (path: Path, value: unknown) => readonly string[];

/** At least one. `value` is all of what was checked. */
export function problemsOfIssue(issue: Issue, value: unknown, fieldsAt: FieldsAt): IssueProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const meantForm = issue.errors?.find((form) => !form.some((one) => isWrongType(one)));
  if (meantForm) {
    return meantForm.flatMap((inner) =>
      problemsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, value, fieldsAt),
    );
  }
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(path, value);
    return (issue.keys ?? []).map((key) => unknownField([...path, key], key, known));
  }
  return [{ path, message: messageOf(issue, at(value, path)) }];
}

/** True when a value is not even of the form that an issue is about. */
const isWrongType = ({ code, path }: Issue) => code === 'invalid_type' && path.length === 0;

function unknownField(path: Path, key: string, known: readonly string[]): IssueProblem {
  if (known.length === 0) return { path, message: 'unknown field' };
  const meant = nearest(key, known);
  const hint = meant ? `did you mean ${meant}?` : `known here: ${known.join(', ')}`;
  return {
    ...{ path, message: `unknown field, ${hint}` },
    ...(meant && { meant: [...path.slice(0, -1), meant].join('.') }),
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  object: 'a map of fields',
  record: 'a map of names',
  array: 'a list',
  int: 'a whole number',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'must be a time such as 2026-01-31T03:00:00Z',
};

/** What zod says by itself, rather than one of our schemas. */
const OF_ZOD = /^(Too (small|big): |Invalid )/;

function messageOf(issue: Issue, given: unknown): string {
  const choices = issue.values ?? issue.options;
  if (given === undefined && issue.code !== 'custom') return 'is missing';
  if (choices) {
    const names = choices.map(String);
    const meant = typeof given === 'string' ? nearest(given, names) : null;
    return `must be ${names.join(' or ')}${meant ? `; did you mean ${meant}?` : ''}`;
  }
  if (issue.code === 'invalid_type') return `must be ${EXPECTED[issue.expected!] ?? `a ${issue.expected}`}`;
  if (issue.code === 'invalid_union') return 'must be a name, or a map of fields';
  if (issue.code === 'invalid_key') {
    const own = issue.issues?.[0]?.message;
    return own === undefined || OF_ZOD.test(own) ? 'is not a valid name' : own;
  }
  if (!OF_ZOD.test(issue.message)) return lowerFirst(issue.message);
  if (issue.code === 'too_small') return boundOf(issue, issue.minimum, 'at least', 'more than');
  if (issue.code === 'too_big') return boundOf(issue, issue.maximum, 'at most', 'less than');
  return FORMATS[issue.format!] ?? 'is not of the form that is needed';
}

function boundOf(
  { origin, exact, inclusive }: Issue,
  bound: number | bigint | undefined,
  inside: string,
  outside: string,
): string {
  const how = exact ? 'exactly' : inclusive === false ? outside : inside;
  if (origin === 'number' || origin === 'int' || origin === 'bigint') return `must be ${how} ${bound}`;
  const isOne = Number(bound) === 1;
  if (isOne && how === 'at least') return 'must not be empty';
  if (origin === 'string') return `must have ${how} ${bound} ${isOne ? 'character' : 'characters'}`;
  return `must have ${how} ${bound} ${isOne ? 'entry' : 'entries'}`;
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) => (inner as Record<string | number, unknown> | null | undefined)?.[part],
    value,
  );
}

export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
