/** Where dumps are loaded in a drill: throwaway clusters of the backup's own version, or scratch databases on a named server. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import {
  claimScratchDatabase,
  connectDatabase,
  describeAddress,
  endQuietly,
  onMaintenanceDatabase,
  parsePostgresAddress,
  quoteName,
  quoteText,
  removeScratchLeftovers,
  requireServer,
  type ScratchClaim,
  serverFacts,
  startThrowawayCluster,
  type ThrowawayCluster,
} from '../../sources/postgres/index.ts';
import type { DrillFolder } from './drill-folder.ts';
import type { DrillSettings } from './drill-types.ts';

export interface DatabaseWanted {
  /** As it was called where it was backed up. */
  readonly name: string;
  /** Null where nothing says which: then the newest there is. */
  readonly major: number | null;
  /** The role the application logs in as; null for the one that owns everything. */
  readonly role: string | null;
  /** Locale settings of the original, as clauses; tried first. */
  readonly clause: string;
  readonly untrusted: boolean;
}

export interface PlacedDatabase {
  /** Loads and looks: may do everything in it. */
  readonly adminUrl: string;
  /** What an application gets. Call it when everything is loaded. */
  applicationUrl(): Promise<string>;
  /** False when missing roles cannot be made. */
  readonly ownsServer: boolean;
  /** Why its locale is not that of the original; null when it is. */
  readonly otherLocale: string | null;
}

export interface PostgresPlace {
  /** One sentence for each server in use. */
  readonly surroundings: string[];
  database(wanted: DatabaseWanted): Promise<PlacedDatabase>;
  /** Runs statements of a backup's roles on the server that the databases of this version are on; throwaway ones only. */
  close(): Promise<void>;
}

export function postgresPlace(
  settings: Pick<DrillSettings, 'postgresServer' | 'postgresPrograms'>,
  folder: DrillFolder,
  signal: AbortSignal,
): PostgresPlace {
  return settings.postgresServer === null
    ? throwawayPlace(settings, folder, signal)
    : namedPlace(settings.postgresServer);
}

/** Roles that dumps of unknown origin are loaded as, each its own. */
const LOADER = 'holdfast_drill';

function throwawayPlace(
  settings: Pick<DrillSettings, 'postgresPrograms'>,
  folder: DrillFolder,
  signal: AbortSignal,
): PostgresPlace {
  const clusters = new Map<number, ThrowawayCluster>();
  const taken = new Set<string>();
  const surroundings: string[] = [];
  const clusterOf = async (wanted: number | null): Promise<ThrowawayCluster> => {
    const binaries = await requireServer(wanted, settings.postgresPrograms);
    const { major } = binaries;
    const known = clusters.get(major);
    if (known) return known;
    const place = join(folder.clustersFolder, String(major));
    const cluster = await startThrowawayCluster({ binaries, folder: place, mark: folder.mark, signal });
    clusters.set(major, cluster);
    surroundings.push(
      `PostgreSQL ${binaries.version} made for this drill: a private socket, no TCP, durability off`,
    );
    return cluster;
  };
  return {
    surroundings,
    async database(wanted) {
      const cluster = await clusterOf(wanted.major);
      const name = uniqueName(wanted.name, taken);
      const loader = `${LOADER}_${taken.size}`;
      const login = { user: loader, password: randomBytes(18).toString('base64url') };
      let otherLocale: string | null = null;
      await onMaintenanceDatabase(cluster.superuser, async (client) => {
        const create = `create database ${quoteName(name)} template template0`;
        try {
          if (name !== 'postgres') await client.query(`${create} ${wanted.clause}`);
        } catch (error) {
          otherLocale = asHoldfastError(error).message;
          await client.query(create);
        }
        if (!wanted.untrusted) return;
        await client.query(
          `create role ${loader} login nosuperuser nocreaterole nocreatedb password ${quoteText(login.password)}`,
        );
        await client.query(`alter database ${quoteName(name)} owner to ${loader}`);
      });
      const adminUrl = wanted.untrusted ? cluster.urlOf(name, login) : cluster.urlOf(name);
      return {
        adminUrl,
        ownsServer: true,
        otherLocale,
        applicationUrl: async () => {
          if (wanted.untrusted || wanted.role === null || wanted.role === 'postgres') return adminUrl;
          return loginUrl(cluster, name, wanted.role);
        },
      };
    },
    async close() {
      for (const cluster of clusters.values()) await cluster.stop();
    },
  };
}

/** Restored roles cannot log in; the application's may, with a password of this drill. */
async function loginUrl(cluster: ThrowawayCluster, database: string, role: string): Promise<string> {
  const password = randomBytes(18).toString('base64url');
  await onMaintenanceDatabase(cluster.superuser, async (client) => {
    const { rows } = await client.query('select from pg_catalog.pg_roles where rolname = $1', [role]);
    const verb = rows.length > 0 ? 'alter' : 'create';
    await client.query(`${verb} role ${quoteName(role)} login password ${quoteText(password)}`);
  });
  return cluster.urlOf(database, { user: role, password });
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let i = 2; taken.has(unique); i += 1) unique = `${name}_${i}`;
  taken.add(unique);
  return unique;
}

function namedPlace(url: string): PostgresPlace {
  const server = parsePostgresAddress(url);
  const surroundings: string[] = [];
  const claims: ScratchClaim[] = [];
  return {
    surroundings,
    async database(wanted) {
      if (wanted.untrusted) {
        throw new HoldfastError(
          'drill_impossible',
          'a dump of unknown origin is loaded into a throwaway server only',
          {
            next: 'leave drill.postgres.server away',
          },
        );
      }
      await removeScratchLeftovers(server);
      const claim = await claimScratchDatabase(server, wanted.clause);
      claims.push(claim);
      const client = await connectDatabase(claim.address);
      const { major, version } = await serverFacts(client).finally(() => endQuietly(client));
      if (wanted.major !== null && major < wanted.major) {
        throw new HoldfastError(
          'drill_impossible',
          `${describeAddress(server)} is PostgreSQL ${major}, the backup is of ${wanted.major}`,
          { next: `name a server of PostgreSQL ${wanted.major} or newer` },
        );
      }
      surroundings.push(`a scratch database on ${describeAddress(server)}, PostgreSQL ${version}`);
      return {
        adminUrl: claim.url,
        ownsServer: false,
        otherLocale: claim.otherLocale,
        applicationUrl: async () => claim.url,
      };
    },
    async close() {
      for (const claim of claims) await claim.drop();
    },
  };
}
