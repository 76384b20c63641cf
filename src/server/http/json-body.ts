import { HoldfastError } from '../../engine/index.ts';
import { RequestProblem } from './problem.ts';

/** Parses a request's JSON. Throws `request_invalid` with line and column, never with the text itself. */
export function parseJson(text: string): unknown {
  // The route says whether it can do without.
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text, (key, value) => {
      if (key === '__proto__') throw new RequestProblem([{ field: '__proto__', message: 'is not a field' }]);
      return value;
    });
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const before = text.slice(0, jsonErrorAt(text)).split('\n');
    const [line, column] = [before.length, before.at(-1)!.length + 1];
    throw new RequestProblem([
      { field: '', message: `the JSON is malformed at line ${line}, column ${column}`, line, column },
    ]);
  }
}

const SPACE = /[ \t\r\n]*/y;
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;

/** What may come next: a value, or what ends or continues the list or map that is open. */
type Expected = 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'more' | 'end';

/** Where a text stops being JSON. Exported for its test; the parser of V8 does not always tell. */
export function jsonErrorAt(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = skip(text, 0);
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    const next: Expected | null = token === undefined ? null : step(expected, token, open);
    if (next === null) return at;
    expected = next;
    at = skip(text, at + token!.length);
  }
  return text.length;
}

function skip(text: string, at: number): number {
  SPACE.lastIndex = at;
  return at + SPACE.exec(text)![0].length;
}

/** What is expected after a token; null when the token cannot be there. Keeps `open` in line. */
function step(expected: Expected, token: string, open: ('{' | '[')[]): Expected | null {
  const after = (): Expected => (open.length === 0 ? 'end' : 'more');
  const isEnd = token === '}' || token === ']';
  if (isEnd) {
    const isMatching = open.at(-1) === (token === '}' ? '{' : '[');
    const mayEnd = expected === 'more' || expected === (token === '}' ? 'firstKey' : 'first');
    if (!isMatching || !mayEnd) return null;
    open.pop();
    return after();
  }
  if (expected === 'key' || expected === 'firstKey') return token.startsWith('"') ? 'colon' : null;
  if (expected === 'colon') return token === ':' ? 'value' : null;
  if (expected === 'more') return token === ',' ? (open.at(-1) === '{' ? 'key' : 'value') : null;
  if (expected === 'end' || token === ',' || token === ':') return null;
  if (token === '{' || token === '[') {
    open.push(token);
    return token === '{' ? 'firstKey' : 'first';
  }
  return after();
}
