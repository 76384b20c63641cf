import type { LookupFunction } from 'node:net';
import type { z } from 'zod';
import { iso } from '../../contracts/api/common.ts';
import type { discovered, discoverRequest } from '../../contracts/api/discover.ts';
import { type Config, configSchema } from '../../contracts/config.ts';
import { fieldsAt } from '../../contracts/config-fields.ts';
import {
  canBeSource,
  type DiscoveredBody,
  databaseSource,
  fileSource,
  labelOfFile,
  namedSources,
  UNNAMEABLE_PATH,
} from '../../contracts/discovered-sources.ts';
import { problemsOfIssue } from '../../contracts/issue-problems.ts';
import {
  codeOf,
  discoverPostgres,
  discoverSqlite,
  HoldfastError,
  parsePostgresAddress,
} from '../../engine/index.ts';
import { storedConfig } from '../configuration/documents.ts';
import { fixedLookup, vettedHost } from '../outbound/index.ts';
import type { ServerContext } from './context.ts';
import { RequestProblem } from './problem.ts';
import { redact } from './redact.ts';

type Asked = z.output<typeof discoverRequest>;
export type Discovered = z.output<typeof discovered>;
type Item = Discovered['items'][number];
type Found = Omit<Item, 'name' | 'stored_as' | 'body'> & {
  readonly body: DiscoveredBody | null;
  readonly title: string;
};

/** A page shows no more; and nobody waits for longer. */
const LIMITS = { found: 1000, entries: 2_000_000, depth: 64 } as const;
const UNREADABLE = 100;
const SEARCH_MS = 45_000;

/**
 * What there is to back up at a place that somebody named. `gone` ends it. Throws `config_invalid` for a variable that is not set,
 * `address_refused`, `host_unresolved`, and what the engine's discovery throws.
 */
export async function discoverSources(
  context: ServerContext,
  asked: Asked,
  gone: AbortSignal,
): Promise<Discovered> {
  const config = await storedConfig(context.catalog.db);
  const signal = AbortSignal.any([gone, AbortSignal.timeout(SEARCH_MS)]);
  if (asked.kind === 'sqlite') return below(context, asked.path, config, signal);
  const found = await onServer(context, asked, signal);
  return {
    items: asItems(found.slice(0, LIMITS.found), config),
    unreadable: [],
    limits: found.length > LIMITS.found ? ['found'] : [],
  };
}

const NAME = 'discovery';

/** The place with the variables of this machine filled in, as for a source of a plan. */
async function resolved(context: ServerContext, source: unknown) {
  const config = { sources: { [NAME]: source } };
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) {
    const [first] = problemsOfIssue(parsed.error.issues[0]!, config, fieldsAt);
    throw new RequestProblem([{ field: first!.path.slice(2).join('.'), message: first!.message }]);
  }
  return context.workplace.source(parsed.data, NAME);
}

/** Keys of the server are never sent to a host, nor are its folders looked up by them. */
const OWN = /^(?:BACKUP_ENCRYPTION_KEY|HOLDFAST_(?!DATABASE_URL$))/;

function refuseOwnVariables(text: string): void {
  const names = [...text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].map((match) => match[1]!);
  const own = names.find((name) => OWN.test(name));
  if (own === undefined) return;
  throw new HoldfastError(
    'config_invalid',
    `${own} is a variable of the server itself, and no part of an address`,
  );
}

async function onServer(
  context: ServerContext,
  { url, urlEnv }: Extract<Asked, { kind: 'postgres' }>,
  signal: AbortSignal,
): Promise<Found[]> {
  const server = urlEnv === undefined ? { url: url! } : { urlEnv };
  refuseOwnVariables(url ?? `\${${urlEnv}}`);
  const spec = await resolved(context, { kind: 'postgres', ...server });
  if (spec.kind !== 'postgres') throw new HoldfastError('internal', 'a database became something else');
  // Whoever runs the server put the variable there; whoever sends a request may be somebody else.
  const isOwn = 'urlEnv' in server || /^\$\{\w+\}$/.test(server.url);
  const lookup = isOwn ? {} : await vettedLookup(context, spec.url);
  const { database: own, host } = parsePostgresAddress(spec.url);
  const found = await discoverPostgres(spec.url, { signal, ...lookup }).catch((error: unknown) => {
    if (codeOf(error) !== 'interrupted') throw error;
    throw new HoldfastError(
      'database_unreachable',
      `${host} did not answer within ${SEARCH_MS / 1000} seconds`,
    );
  });
  return found.map((one) => ({
    ...{ label: one.name, title: one.name, owner: one.owner, encoding: one.encoding },
    ...{ size_bytes: one.sizeBytes, modified_at: null, journal_mode: null },
    ...{ may_connect: one.mayConnect, may_read: one.mayRead },
    problem: one.problem && redact(one.problem),
    body: canBeSource(one) ? databaseSource(server, one.name, own) : null,
  }));
}

/** The host as it was vetted, so that nothing is resolved a second time. A socket is this machine. */
async function vettedLookup(
  { outbound }: ServerContext,
  url: string,
): Promise<{ readonly lookup?: LookupFunction }> {
  const { host } = parsePostgresAddress(url);
  const isSocket = host.startsWith('/');
  const addresses = await vettedHost(isSocket ? 'localhost' : host, { policy: outbound }).catch(
    (error: unknown) => {
      if (codeOf(error) !== 'address_refused') throw error;
      throw new HoldfastError('address_refused', (error as Error).message, {
        next: 'allow it in HOLDFAST_ALLOWED_ADDRESSES, or name the variable of the server that holds the address',
      });
    },
  );
  return isSocket ? {} : { lookup: fixedLookup(addresses) };
}

async function below(
  context: ServerContext,
  path: string,
  config: Config,
  signal: AbortSignal,
): Promise<Discovered> {
  refuseOwnVariables(path);
  const spec = await resolved(context, { kind: 'sqlite', path });
  if (spec.kind !== 'sqlite') throw new HoldfastError('internal', 'a folder became something else');
  const found: Found[] = [];
  const unreadable: Discovered['unreadable'] = [];
  const limits: Discovered['limits'] = [];
  try {
    for await (const finding of discoverSqlite(spec.path, signal, LIMITS)) {
      if (finding.kind === 'limit') limits.push(finding.limit);
      else if (finding.kind === 'unreadable') {
        if (unreadable.length < UNREADABLE) unreadable.push({ path: finding.path, cause: finding.cause });
      } else found.push(foundFile(finding));
    }
  } catch (error) {
    if (codeOf(error) !== 'interrupted') throw error;
    limits.push('time');
  }
  return { items: asItems(found, config), unreadable, limits };
}

function foundFile(file: {
  readonly path: string;
  readonly isNameable: boolean;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly journalMode: 'wal' | 'delete' | null;
}): Found {
  return {
    ...{ label: file.path, title: labelOfFile(file.path), owner: null, encoding: null },
    ...{ may_connect: null, may_read: null, size_bytes: file.sizeBytes },
    ...{ modified_at: iso(file.modifiedAtMs), journal_mode: file.journalMode },
    problem: file.isNameable ? null : UNNAMEABLE_PATH,
    body: file.isNameable ? fileSource(file.path) : null,
  };
}

/** With names that no source has yet. */
function asItems(found: readonly Found[], { sources }: Config): Item[] {
  const names = namedSources(found, ({ title }) => title, Object.keys(sources));
  const storedAs = (body: DiscoveredBody) =>
    Object.entries(sources).find(([, source]) => isSame(body, source))?.[0] ?? null;
  return found.map((one) => {
    const { title: _, ...told } = one;
    return { ...told, name: names.get(one) ?? null, stored_as: one.body && storedAs(one.body) };
  });
}

function isSame(body: DiscoveredBody, source: Config['sources'][string]): boolean {
  if (source.kind === 'sqlite') return body.kind === 'sqlite' && source.path === body.path;
  if (source.kind !== 'postgres' || body.kind !== 'postgres') return false;
  const place: { readonly url?: string; readonly urlEnv?: string; readonly database?: string } = body;
  return (['url', 'urlEnv', 'database'] as const).every((field) => source[field] === place[field]);
}
