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
    const found = /position (\d+)/.exec((error as Error).message)?.[1];
    const position = found === undefined ? text.length : Number(found);
    const before = text.slice(0, position).split('\n');
    const [line, column] = [before.length, before.at(-1)!.length + 1];
    throw new RequestProblem([
      { field: '', message: `the JSON is malformed at line ${line}, column ${column}`, line, column },
    ]);
  }
}
