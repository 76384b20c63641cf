/** Of a document, or of something inside of it. */
export type Body = Record<string, unknown>;

export const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is at `login.password.env`; undefined where the way there ends before. */
export function fieldAt(body: Body, path: string): unknown {
  let at: unknown = body;
  for (const name of path.split('.')) at = isBody(at) ? at[name] : undefined;
  return at;
}

/** With that changed; without it, and without what is empty above it, when the value is empty. */
export function withFieldAt(body: Body, path: string, value: unknown): Body {
  const [name = '', ...deeper] = path.split('.');
  const { [name]: before, ...rest } = body;
  if (deeper.length === 0) return value === undefined || value === '' ? rest : { ...body, [name]: value };
  const inner = withFieldAt(isBody(before) ? before : {}, deeper.join('.'), value);
  return Object.keys(inner).length === 0 ? rest : { ...body, [name]: inner };
}

/** Words divided by commas or lines. */
export const listOfWords = (text: string) => text.split(/[\n,]/).map((one) => one.trim());

/** Undefined for a list of nothing. */
export const listOrNone = (words: readonly string[]) => {
  const some = words.filter((one) => one !== '');
  return some.length === 0 ? undefined : some;
};
