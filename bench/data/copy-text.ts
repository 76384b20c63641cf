/** Rows as PostgreSQL's COPY takes them. */
import type { Value } from './tables.ts';

const ESCAPED = /[\\\n\t\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r' };

function field(value: Value): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value.replace(ESCAPED, (found) => ESCAPES[found]!);
  return `\\\\x${value.toString('hex')}`;
}

/** One line, with its end. */
export const copyLine = (values: readonly Value[]) => `${values.map(field).join('\t')}\n`;
