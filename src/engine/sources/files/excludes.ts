import ignore from 'ignore';

/** Says whether a path (latin1, relative to the root, without slash at either end) is left out. */
export type Excludes = (path: string, isFolder: boolean) => boolean;

/** `ignore` remembers every path it was asked about; starting anew keeps memory flat. */
const ASKED_MAX = 20_000;

/**
 * Patterns in .gitignore syntax, relative to the root. A path that is not UTF-8 is matched by its replacement
 * characters: `*` still catches it. Null when there is no pattern.
 */
export function compileExcludes(patterns: readonly string[]): Excludes | null {
  const lines = patterns.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length === 0) return null;
  const fresh = () => ignore({ allowRelativePaths: true }).add(lines);
  let matcher = fresh();
  let asked = 0;
  return (path, isFolder) => {
    asked += 1;
    if (asked % ASKED_MAX === 0) matcher = fresh();
    const text = Buffer.from(path, 'latin1').toString('utf8');
    return matcher.ignores(isFolder ? `${text}/` : text);
  };
}
