/** Notices when keys are backed up to the same place as the data they open. */
import type { Config, SourceConfig } from './config.ts';
import { partsOf } from './config-destinations.ts';

/** A destination that holds databases and, beside them, files with keys. */
export interface KeysBesideData {
  /** Destinations of this address, as named in the file. */
  readonly destinations: readonly string[];
  readonly secretSources: readonly string[];
  readonly databases: readonly string[];
}

/** Names of files that hold keys, as applications commonly have them. */
const SECRET_NAMES: readonly RegExp[] = [
  /^\.env/i,
  /(^|[._-])(encryption|master|signing|private)[_-]?keys?($|[._-])/i,
  /(^|[._-])jwt[_-]?(secret|keys?)($|[._-])/i,
  /(^|[._-])secrets?($|[._-])/i,
  /\.(pem|key|p12|pfx|jks)$/i,
];

/** True for a path whose last component is a name that keys commonly have, such as `.env.prod` or `encryption_key`. */
export function looksSecret(path: string): boolean {
  const last = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return SECRET_NAMES.some((pattern) => pattern.test(last));
}

/** What the file says with `secret`, else what the names of its paths tell. */
export function isSecretSource(source: SourceConfig): boolean {
  if (source.kind !== 'files') return false;
  return (
    source.secret ??
    [source.path, ...(source.paths ?? [])].some((path) => path !== undefined && looksSecret(path))
  );
}

const isDatabase = (source: SourceConfig) =>
  source.kind === 'sqlite' ||
  source.kind === 'postgres' ||
  (source.kind === 'command' && /\.(dump|sql)(\.|$)/i.test(source.artifactName));

/**
 * Destinations to which some plan sends databases and some plan, the same or another, files with keys. Whoever opens such a
 * destination has both. Two destinations of one address are one place.
 */
export function keysBesideData(config: Config): KeysBesideData[] {
  const places = new Map<
    string,
    { destinations: Set<string>; secrets: Set<string>; databases: Set<string> }
  >();
  for (const plan of Object.values(config.plans)) {
    for (const { sources, destinations } of partsOf(config, plan)) {
      for (const { name } of destinations ?? []) {
        const address = config.destinations[name]?.address ?? name;
        const place = places.get(address) ?? {
          destinations: new Set(),
          secrets: new Set(),
          databases: new Set(),
        };
        places.set(address, place);
        place.destinations.add(name);
        for (const source of sources) {
          const known = config.sources[source];
          if (known && isDatabase(known)) place.databases.add(source);
          else if (known && isSecretSource(known)) place.secrets.add(source);
        }
      }
    }
  }
  return [...places.values()]
    .filter(({ secrets, databases }) => secrets.size > 0 && databases.size > 0)
    .map(({ destinations, secrets, databases }) => ({
      destinations: [...destinations],
      secretSources: [...secrets],
      databases: [...databases],
    }));
}

/** One line for people. */
export function renderKeysBesideData({ destinations, secretSources, databases }: KeysBesideData): string {
  return (
    `${secretSources.join(', ')} may hold keys and goes to the same place as ${databases.join(', ')} (${destinations.join(', ')}): ` +
    'whoever opens it has both; send keys elsewhere with separate, or say secret: false'
  );
}
