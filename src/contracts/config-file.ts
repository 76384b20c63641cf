import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { type Config, configJsonSchema, configSchema } from './config.ts';
import { brokenReferences } from './config-references.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { nearest } from './suggest.ts';

type Path = readonly (string | number)[];

interface Place {
  readonly line: number | null;
  readonly column: number | null;
}

/** Where something is written down. */
export type PlaceOf = (path: Path) => Place;

export interface ConfigProblem {
  /** 1-based; null when the place cannot be told. */
  readonly line: number | null;
  /** 1-based; null when the place cannot be told. */
  readonly column: number | null;
  /** Dotted, such as `plans.nightly.retention`; empty for the whole file. */
  readonly field: string;
  /** Lower case, no full stop; never repeats a value, which could be a secret. */
  readonly message: string;
}

export type ConfigResult =
  | { readonly config: Config; readonly placeOf: PlaceOf }
  | { readonly problems: readonly ConfigProblem[] };

/**
 * Reads the text of `holdfast.yaml`. Never throws: whatever is wrong comes as problems, in the order of the file.
 * `${NAME}` stays as it is; `unsetVariables` and `interpolate` deal with it where it is used.
 */
export function parseConfig(text: string): ConfigResult {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [syntax] = [...document.errors, ...document.warnings];
  if (syntax) {
    const message = syntax.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
    const at = syntax.linePos?.[0];
    const place = { line: at?.line ?? null, column: at?.col ?? null };
    return { problems: [{ ...place, field: '', message: lowerFirst(message) }] };
  }
  const placeOf = (path: Path) => placeOfPath(document, lines, path);
  const value = document.toJS() ?? {};
  const result = configSchema.safeParse(value);
  const problems = result.success
    ? brokenReferences(result.data).map(({ path, message }) => problem(path, message, placeOf))
    : result.error.issues.flatMap((issue) => problemsOf(issue, value, placeOf));
  if (!result.success || problems.length > 0) return { problems: tidy(problems) };
  return { config: result.data, placeOf };
}

/** Every `${NAME}` of the file that is not set in this environment, as problems. */
export function unsetVariables(config: Config, placeOf: PlaceOf, environment: Environment): ConfigProblem[] {
  const fields: [Path, string][] = [
    ...Object.entries(config.destinations).map(([name, one]): [Path, string] => [
      ['destinations', name, 'address'],
      one.address,
    ]),
    ...Object.entries(config.sources).flatMap(([name, source]): [Path, string][] => {
      if (source.kind === 'sqlite') return [[['sources', name, 'path'], source.path]];
      if (source.kind === 'postgres') return source.url ? [[['sources', name, 'url'], source.url]] : [];
      if (source.kind !== 'files') return [];
      if (source.path) return [[['sources', name, 'path'], source.path]];
      return (source.paths ?? []).map((path, i): [Path, string] => [['sources', name, 'paths', i], path]);
    }),
    ...Object.entries(config.channels).flatMap(([name, channel]): [Path, string][] =>
      channel.kind !== 'email' && typeof channel.url === 'string'
        ? [[['channels', name, 'url'], channel.url]]
        : [],
    ),
  ];
  return fields.flatMap(([path, text]) => {
    const result = interpolate(text, environment);
    if (!('missing' in result)) return [];
    return [problem(path, `the environment variable ${result.missing} is not set`, placeOf)];
  });
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly expected?: string;
  readonly issues?: readonly { readonly message: string }[];
  /** Of a union: what each of its forms found. */
  readonly errors?: readonly (readonly Issue[])[];
}

function problemsOf(issue: Issue, value: unknown, placeOf: PlaceOf): (ConfigProblem & { meant?: string })[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const meantForm = issue.errors?.find((form) => !form.some((one) => isWrongType(one)));
  if (meantForm) {
    return meantForm.flatMap((inner) =>
      problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, value, placeOf),
    );
  }
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(path, value);
    return (issue.keys ?? []).map((key) => {
      const meant = nearest(key, known);
      const hint = meant ? `did you mean ${meant}?` : `known here: ${known.join(', ')}`;
      return {
        ...problem([...path, key], `unknown field, ${hint}`, placeOf),
        ...(meant && { meant: [...path, meant].join('.') }),
      };
    });
  }
  return [problem(path, messageOf(issue, at(value, path)), placeOf)];
}

/** True when a value is not even of the form that an issue is about. */
const isWrongType = ({ code, path }: Issue) => code === 'invalid_type' && path.length === 0;

function messageOf(issue: Issue, given: unknown): string {
  const choices = issue.values ?? issue.options;
  if (given === undefined && issue.code !== 'custom') return 'is missing';
  if (choices) {
    const names = choices.map(String);
    const meant = typeof given === 'string' ? nearest(given, names) : null;
    return `must be ${names.join(' or ')}${meant ? `; did you mean ${meant}?` : ''}`;
  }
  if (issue.code === 'invalid_type') {
    const expected = {
      object: 'a map of fields',
      record: 'a map of names',
      array: 'a list',
      int: 'a whole number',
    };
    return `must be ${expected[issue.expected as keyof typeof expected] ?? `a ${issue.expected}`}`;
  }
  if (issue.code === 'invalid_union') return 'must be a name, or a map of fields';
  if (issue.code === 'invalid_key') return issue.issues?.[0]?.message ?? 'is not a valid name';
  return lowerFirst(
    issue.message
      .replace(/^Too (small|big): expected \w+ to be/, 'must be')
      .replace('>=', 'at least ')
      .replace('<=', 'at most '),
  );
}

/** One that is found outside of here, at its place. */
export function problem(path: Path, message: string, placeOf: PlaceOf): ConfigProblem {
  return { ...placeOf(path), field: path.join('.'), message };
}

/** In the order of the file; a missing field that was only misspelt is said once. */
function tidy(problems: readonly (ConfigProblem & { meant?: string })[]): ConfigProblem[] {
  const meant = new Set(problems.map((one) => one.meant));
  return problems
    .filter((one) => !(one.message === 'is missing' && meant.has(one.field)))
    .map(({ line, column, field, message }) => ({ line, column, field, message }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) => (inner as Record<string | number, unknown> | null)?.[part],
    value,
  );
}

interface SchemaNode {
  readonly properties?: Record<string, SchemaNode & { readonly const?: unknown }>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

/** The fields that may stand at a path; among alternatives, those of the `kind` that is written there. */
function fieldsAt(path: Path, value: unknown): string[] {
  let node: SchemaNode | undefined = configJsonSchema() as SchemaNode;
  let inner: unknown = value;
  const choose = (candidate: SchemaNode | undefined) =>
    candidate?.oneOf?.find((one) => one.properties?.kind?.const === (inner as { kind?: unknown })?.kind) ??
    candidate?.anyOf?.find((one) => one.properties) ??
    candidate;
  for (const part of path) {
    inner = (inner as Record<string | number, unknown> | null)?.[part];
    const more: SchemaNode | boolean | undefined = node?.additionalProperties;
    node = choose(node?.properties?.[part] ?? node?.items ?? (typeof more === 'object' ? more : undefined));
  }
  return Object.keys(node?.properties ?? {});
}

/** Where the key at a path is, or the nearest thing around it that is written down. */
function placeOfPath(document: Document, lines: LineCounter, path: Path): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last))
      : undefined;
    const node = (pair?.key ?? document.getIn(path.slice(0, length), true)) as Node | undefined;
    if (!node?.range) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return { line, column: col };
  }
  return { line: null, column: null };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
