import { resolve } from 'node:path';
import type { z } from 'zod';
import type { discoverPayload } from '../contracts/discover-payload.ts';
import {
  canBeSource,
  type DiscoveredBody,
  databaseSource,
  fileSource,
  labelOfFile,
  namedSources,
  type ServerAddress,
  UNNAMEABLE_PATH,
} from '../contracts/discovered-sources.ts';
import type { Cli } from './cli.ts';
import { withPassword } from './database-login.ts';
import { mask } from './mask.ts';
import { isPostgresAddress } from './recognise-source.ts';

export type Discovered = z.output<typeof discoverPayload>;
export type FoundOne = Discovered['databases'][number];

interface Found {
  /** As it is told, but for the name of its source. */
  readonly database: FoundOne;
  readonly label: string;
  /** Null for one that cannot be a source. */
  readonly body: DiscoveredBody | null;
}

interface Search {
  readonly found: Found[];
  readonly unreadable: Discovered['unreadable'];
  readonly limits: Set<Discovered['limits'][number]>;
  /** Those that were named for addresses with a password. */
  readonly variables: Set<string>;
}

/** More than these are counted by nobody who reads. */
const UNREADABLE_TOLD = 1000;

/** Looks at every place in turn. Throws what the engine's discovery throws. */
export async function discoverAll(cli: Cli, places: readonly string[]): Promise<Discovered> {
  const search: Search = { found: [], unreadable: [], limits: new Set(), variables: new Set() };
  for (const place of places) {
    if (isPostgresAddress(place)) await onServer(cli, place, search);
    else await below(cli, resolve(cli.io.folder, place), search);
  }
  const names = namedSources(search.found, ({ label }) => label);
  return {
    databases: search.found.map((one) => ({ ...one.database, source: names.get(one) ?? null })),
    sources: Object.fromEntries([...names].map(([{ body }, name]) => [name, { ...body }])),
    unreadable: search.unreadable,
    limits: [...search.limits],
  };
}

async function onServer(cli: Cli, url: string, search: Search): Promise<void> {
  const { discoverPostgres, parsePostgresAddress } = await import('../engine/index.ts');
  const { host, port, database } = parsePostgresAddress(url);
  const server = serverOf(cli, url, search);
  const found = await discoverPostgres(await withPassword(cli, url), { signal: cli.signal });
  for (const { isNameable, ...one } of found) {
    search.found.push({
      database: { kind: 'postgres', server: `${host}:${port}`, ...one, source: null },
      label: one.name,
      body: canBeSource({ isNameable, ...one }) ? databaseSource(server, one.name, database) : null,
    });
  }
}

/** The address as a configuration may hold it: of one with a password the variable that holds it, or should. */
function serverOf({ io, note }: Cli, url: string, { variables }: Search): ServerAddress {
  if (mask(url) === url) return { url };
  const holding = Object.entries(io.environment).find(([, value]) => value === url)?.[0];
  if (holding !== undefined) return { urlEnv: holding };
  const name = variables.size === 0 ? 'DATABASE_URL' : `DATABASE_URL_${variables.size + 1}`;
  variables.add(name);
  note(`the address of ${mask(url)} holds a password: put it into the variable ${name}`);
  return { urlEnv: name };
}

async function below(cli: Cli, folder: string, search: Search): Promise<void> {
  const { discoverSqlite } = await import('../engine/index.ts');
  for await (const finding of discoverSqlite(folder, cli.signal)) {
    if (finding.kind === 'limit') search.limits.add(finding.limit);
    else if (finding.kind === 'unreadable') {
      const { path, cause } = finding;
      if (search.unreadable.length < UNREADABLE_TOLD) search.unreadable.push({ path, cause });
    } else {
      const { path, isNameable, sizeBytes, modifiedAtMs, journalMode } = finding;
      search.found.push({
        database: {
          ...{ kind: 'sqlite', path, sizeBytes, journalMode, source: null },
          modifiedAt: new Date(modifiedAtMs).toISOString(),
          problem: isNameable ? null : UNNAMEABLE_PATH,
        },
        label: labelOfFile(path),
        body: isNameable ? fileSource(path) : null,
      });
    }
  }
}
