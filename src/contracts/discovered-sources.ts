/** What was discovered as sources of `holdfast.yaml`: secrets stay where they are, by reference. */

/** How the server was named: as in a source. */
export type ServerAddress = { readonly url: string } | { readonly urlEnv: string };

export type DiscoveredBody =
  | { readonly kind: 'postgres'; readonly url: string; readonly database?: string }
  | { readonly kind: 'postgres'; readonly urlEnv: string; readonly database?: string }
  | { readonly kind: 'sqlite'; readonly path: string };

const URL_PARTS = /^(postgres(?:ql)?:\/\/[^/?#]*)(?:\/[^?#]*)?(?:\?([^#]*))?/i;

/** An address with another database of the same server; references in it stay. Null for what is no address. */
export function atDatabase(url: string, database: string): string | null {
  const parts = URL_PARTS.exec(url.trim());
  if (!parts) return null;
  const [, place = '', query = ''] = parts;
  const kept = query.split('&').filter((pair) => pair !== '' && !pair.startsWith('dbname='));
  return `${place}/${encodeURIComponent(database)}${kept.length > 0 ? `?${kept.join('&')}` : ''}`;
}

/**
 * One database of a server. Where a variable holds the whole address, the database stands beside it, unless it is `own`: the one that
 * the address names.
 */
export function databaseSource(server: ServerAddress, database: string, own?: string): DiscoveredBody {
  const url = 'url' in server ? atDatabase(server.url, database) : null;
  if (url !== null) return { kind: 'postgres', url };
  const beside = database === own ? {} : { database };
  return 'url' in server
    ? { kind: 'postgres', url: server.url, ...beside }
    : { kind: 'postgres', urlEnv: server.urlEnv, ...beside };
}

/** False for a database that no dump could be taken of, as far as the server says. */
export const canBeSource = (database: {
  readonly isNameable: boolean;
  readonly mayConnect: boolean;
  readonly mayRead: boolean | null;
}): boolean => database.isNameable && database.mayConnect && database.mayRead !== false;

export const UNNAMEABLE_PATH = 'its path is no UTF-8, so that no configuration can name it';

/** `${` in a path would stand for a variable. */
export const fileSource = (path: string): DiscoveredBody => ({
  kind: 'sqlite',
  path: path.replaceAll('${', () => '$${'),
});

const NAME_LENGTH = 64;

/** Names for sources after what they are, each once and none of `taken`. */
export function sourceNames(labels: readonly string[], taken: Iterable<string> = []): string[] {
  const used = new Set(taken);
  return labels.map((label) => {
    const plain = label
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|-+$/g, '')
      .slice(0, NAME_LENGTH);
    const base = plain === '' ? 'database' : plain;
    let name = base;
    for (let number = 2; used.has(name); number += 1) {
      const suffix = `-${number}`;
      name = base.slice(0, NAME_LENGTH - suffix.length) + suffix;
    }
    used.add(name);
    return name;
  });
}

/** The name of the source that each would be, as `sourceNames` gives them; without those that cannot be one. */
export function namedSources<T extends { readonly body: DiscoveredBody | null }>(
  found: readonly T[],
  labelOf: (one: T) => string,
  taken?: Iterable<string>,
): Map<T, string> {
  const usable = found.filter(({ body }) => body !== null);
  const names = sourceNames(usable.map(labelOf), taken);
  return new Map(usable.map((one, i) => [one, names[i]!]));
}

/** `/srv/shop/data/app.sqlite` as `app`; a file of a name that says nothing takes that of its folder before. */
export function labelOfFile(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const file = (parts.at(-1) ?? '').replace(/\.(?:db|db3|sqlite|sqlite3|s3db)$/i, '');
  const folder = parts.at(-2);
  return /^(?:app|data|database|db|main|index|sqlite)$/i.test(file) && folder ? `${folder}-${file}` : file;
}
