import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { type Config, configSchema } from './config.ts';
import { fieldsAt } from './config-fields.ts';
import { brokenReferences } from './config-references.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { lowerFirst, problemsOfIssue } from './issue-problems.ts';

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
    : result.error.issues.flatMap((issue) =>
        problemsOfIssue(issue, value, fieldsAt).map(({ path, message, meant }) => ({
          ...problem(path, message, placeOf),
          ...(meant !== undefined && { meant }),
        })),
      );
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
