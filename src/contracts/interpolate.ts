export type Environment = Readonly<Record<string, string | undefined>>;

/** Either the finished text, or the name of the variable that is not set. */
export type Interpolated = { readonly value: string } | { readonly missing: string };

const REFERENCE = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Replaces each `${NAME}` by that environment variable; `$${` stands for `${` itself. Values are taken as they
 * are, never interpolated again. In an address a value is percent-encoded (`encode`), so that a password may hold
 * any character, unless the reference is the whole text. An empty variable counts as not set.
 */
export function interpolate(text: string, environment: Environment, encode = false): Interpolated {
  let missing: string | null = null;
  const value = text.replace(REFERENCE, (whole: string, escaped: string | undefined, name: string) => {
    if (escaped) return '${';
    const found = environment[name];
    if (found === undefined || found === '') {
      missing ??= name;
      return '';
    }
    return encode && whole !== text ? encodeURIComponent(found) : found;
  });
  return missing === null ? { value } : { missing };
}
