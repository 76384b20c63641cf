import { HoldfastError } from '../../base/errors.ts';
import type { Extras } from '../extract.ts';
import type { Artifact, Source, SourceContext, SourceSession } from '../port.ts';
import { type PostgresAddress, parsePostgresAddress } from './address.ts';
import { type CopySession, openCopySession } from './copy-session.ts';
import { dumpArtifact, type SnapshotHolder } from './dump-artifact.ts';
import { extraArtifacts } from './extras.ts';
import { globalsArtifact } from './globals-artifact.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import type { TenantChoice, TenantOptions } from './tenant-rules.ts';
import { openTenantSession } from './tenant-session.ts';
import { type ClientTools, findTools, requireTools } from './tools.ts';

export interface PostgresOptions extends Extras {
  readonly name: string;
  /** `postgres://` or `postgresql://`. Its password never appears in arguments, messages or facts. */
  readonly url: string;
  /** Default `db.dump`. */
  readonly artifactName?: string;
  /** Also roles and settings of the whole server, as `globals.sql`. Default false. */
  readonly globals?: boolean;
  /** `auto`, the default, exports CSV when no pg_dump fits the server; `copy` always does. */
  readonly tools?: 'auto' | 'copy';
  /** Folders to look for client tools in first. */
  readonly toolFolders?: readonly string[];
  /** A PATH to look in last. */
  readonly searchPath?: string;
  /** Only the rows of one tenant, as a CSV export. With a null id the rules only serve restores, and all is dumped. */
  readonly tenant?: TenantChoice;
  /** How long to wait for a table somebody holds exclusively. Default 60 s. */
  readonly lockTimeoutMs?: number;
}

/** What extracts and table dumps read the same moment from. */
export interface PostgresSession extends SourceSession {
  /**
   * An exported snapshot and where it may be used (`set transaction snapshot`), until `close`. The moment of the
   * artifacts already produced; take it after the dump, whose start may have needed a newer one.
   */
  snapshot(): { readonly id: string; readonly address: PostgresAddress };
}

export interface PostgresSource extends Source {
  open(context: SourceContext): Promise<PostgresSession>;
}

const DEFAULT_LOCK_TIMEOUT_MS = 60_000;

/**
 * A PostgreSQL database as a source. `open` throws `database_unreachable`, `database_auth`, `source_missing`, and
 * `tool_missing` when `globals` needs pg_dumpall and there is none. The session needs one connection besides pg_dump's.
 * Throws `config_invalid` at once for an address that is not understood.
 */
export function postgresSource(options: PostgresOptions): PostgresSource {
  const address = parsePostgresAddress(options.url);
  return {
    kind: 'postgres',
    name: options.name,
    async open(context) {
      if (context.signal.aborted) throw new HoldfastError('interrupted');
      const snapshot = await takeSnapshot(address, context.signal);
      try {
        if (options.extrasOnly) return extrasSession(options, address, snapshot, context);
        const tenant = tenantOf(options);
        if (tenant !== null) {
          await snapshot.release();
          return await tenantSession(options, address, tenant, context);
        }
        const tools = await chooseTools(options, snapshot.server.major);
        if (tools !== null) return dumpSession(options, address, tools, { current: snapshot }, context);
        await snapshot.release();
        context.progress.warn(`${options.name}: exporting tables as CSV, since pg_dump is not used`);
        return await copySession(options, address, snapshot.server.major, context);
      } catch (error) {
        await snapshot.release();
        throw error;
      }
    },
  };
}

function tenantOf({ tenant }: PostgresOptions): TenantOptions | null {
  return tenant && tenant.id !== null ? { ...tenant, id: tenant.id } : null;
}

/** Roles of a shared server, and extracts that know no tenant, do not go along. */
async function tenantSession(
  options: PostgresOptions,
  address: PostgresAddress,
  tenant: TenantOptions,
  context: SourceContext,
): Promise<PostgresSession> {
  if (options.globals || options.extracts?.length || options.tables?.length) {
    throw new HoldfastError(
      'config_invalid',
      `${options.name}: globals, extracts and tables hold rows of every tenant, and the source is of one`,
      { next: 'give them to a source of their own' },
    );
  }
  return openTenantSession(
    { address, context, lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS },
    tenant,
  );
}

function extrasSession(
  options: PostgresOptions,
  address: PostgresAddress,
  taken: Snapshot,
  context: SourceContext,
): PostgresSession {
  const snapshot = () => ({ id: taken.id, address });
  const artifacts = extraArtifacts(options, snapshot, context);
  return { estimatedBytes: null, artifacts, snapshot, close: () => taken.release() };
}

async function chooseTools(options: PostgresOptions, major: number): Promise<ClientTools | null> {
  if (options.tools === 'copy') return null;
  return findTools(major, options.toolFolders, options.searchPath);
}

function dumpSession(
  options: PostgresOptions,
  address: PostgresAddress,
  tools: ClientTools,
  holder: SnapshotHolder,
  context: SourceContext,
): PostgresSession {
  const { server } = holder.current;
  const name = options.artifactName ?? 'db.dump';
  const lockTimeoutMs = options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS;
  const artifacts: Artifact[] = [dumpArtifact({ name, address, tools, holder, lockTimeoutMs }, context)];
  if (options.globals) artifacts.push(globalsArtifact('globals.sql', address, tools, server, context));
  const snapshot = () => ({ id: holder.current.id, address });
  // After the dump, whose start may have needed a newer snapshot.
  artifacts.push(...extraArtifacts(options, snapshot, context));
  return {
    estimatedBytes: server.databaseBytes,
    artifacts,
    snapshot,
    close: () => holder.current.release(),
  };
}

async function copySession(
  options: PostgresOptions,
  address: PostgresAddress,
  major: number,
  context: SourceContext,
): Promise<PostgresSession> {
  const tools = options.globals ? await requireTools(major, options.toolFolders, options.searchPath) : null;
  const session: CopySession = await openCopySession({
    address,
    context,
    lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
  });
  const globals =
    tools === null ? [] : [globalsArtifact('globals.sql', address, tools, session.server, context)];
  const extras = extraArtifacts(options, session.snapshot, context);
  return { ...session, artifacts: [...session.artifacts, ...globals, ...extras] };
}
