import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { type Progress, silentProgress } from '../../base/progress.ts';
import type { ArtifactReader, Content, Facts } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import type { ToolCall } from './child.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { databaseArgument, quoteName, quoteText } from './quote.ts';
import type { OwnerChoice } from './roles.ts';
import type { ClientTools } from './tools.ts';

export interface RestoreOptions {
  readonly reader: ArtifactReader;
  /** The `pg-dump` artifact and its facts as the manifest keeps them. */
  readonly content: Content;
  readonly facts: Facts;
  readonly targetUrl: string;
  /** A private, empty folder; the caller removes it. */
  readonly scratchFolder: string;
  /** Connections that load data at the same time. Default: the number of processors, at most 4. */
  readonly jobs?: number;
  /** Becomes the owner of everything: `SET ROLE` before anything is made. */
  readonly role?: string;
  /** Default `auto`: kept when the target has every role and the session may give objects away. */
  readonly owners?: OwnerChoice | 'auto';
  /** Makes the roles the target lacks, unable to log in: for a throwaway server. Default false. */
  readonly createMissingRoles?: boolean;
  /** A dump of unknown origin: refused for any role that could do more than fill its own database. */
  readonly untrusted?: boolean;
  /** False loads through pg_restore alone. Default true. */
  readonly parallel?: boolean;
  readonly toolFolders?: readonly string[];
  readonly searchPath?: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What every step of a restore needs. */
export interface RestoreContext {
  readonly reader: ArtifactReader;
  readonly content: Content;
  readonly address: PostgresAddress;
  readonly tools: ClientTools;
  readonly scratchFolder: string;
  readonly jobs: number;
  readonly role: string | null;
  readonly owners: OwnerChoice;
  readonly encoding: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

export const DEFAULT_JOBS = Math.min(4, availableParallelism());

export function progressOf(options: Pick<RestoreOptions, 'progress'>): Progress {
  return options.progress ?? silentProgress;
}

/** A call of pg_restore into the target. It stops at the first error: a restore with errors is none. */
export function pgRestoreCall(context: RestoreContext, args: readonly string[]): ToolCall {
  return {
    program: join(context.tools.folder, 'pg_restore'),
    args: [
      '--exit-on-error',
      '--no-password',
      `--dbname=${databaseArgument(context.address.database)}`,
      ...(context.owners === 'skip' ? ['--no-owner', '--no-privileges'] : []),
      ...(context.role === null ? [] : [`--role=${context.role}`]),
      ...args,
    ],
    address: context.address,
    scratchFolder: context.scratchFolder,
    signal: context.signal,
    failure: 'database_failed',
  };
}

/**
 * Sorting for an index and checking a foreign key gain from memory. What the server gives its own cache, up to 256 MB,
 * is not too much for each session of a restore.
 */
const SORT_MEMORY = `select pg_catalog.set_config('maintenance_work_mem', greatest(
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')),
  least(pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')), 256 * 1024 * 1024)
) / 1024 || 'kB', false)`;

/** The settings pg_restore loads data under (`_doSetFixedOutputState` in pg_backup_archiver.c). */
function sessionSettings({ encoding, role }: Pick<RestoreContext, 'encoding' | 'role'>): string {
  return [
    ...(role === null ? [] : [`set role ${quoteName(role)}`]),
    ...(encoding === '' ? [] : [`set client_encoding =${quoteText(encoding)}`]),
    'set standard_conforming_strings = on',
    'set check_function_bodies = false',
    'set xmloption = content',
    'set row_security = off',
    `set default_tablespace = ''`,
    SORT_MEMORY,
    `select pg_catalog.set_config('search_path', '', false)`,
  ].join('; ');
}

/** Opens a session to load data through. The caller ends it. */
export async function openLoader(
  context: Pick<RestoreContext, 'address' | 'encoding' | 'role'>,
): Promise<Client> {
  const client = await connect(context.address).catch((error: unknown) => {
    throw targetFailure(error, context.address);
  });
  try {
    await client.query(sessionSettings(context));
    return client;
  } catch (error) {
    await endQuietly(client);
    throw targetFailure(error, context.address);
  }
}
