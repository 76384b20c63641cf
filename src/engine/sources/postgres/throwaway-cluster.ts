/**
 * A PostgreSQL server of one's own for as long as a drill takes: one socket in a private folder, no TCP, nothing durable.
 * A small guardian owns the server and ends with the pipe to this process, so that the server never outlives it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, HoldfastError } from '../../base/errors.ts';
import { type PostgresAddress, parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import type { ServerBinaries } from './server-binaries.ts';

export interface ThrowawayOptions {
  readonly binaries: ServerBinaries;
  /** Missing; made 0700 here. The caller removes it after `stop`. */
  readonly folder: string;
  /** In the environment of every process started, so that leftovers can be told. */
  readonly mark: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface ThrowawayCluster {
  /** The superuser of the cluster is `postgres`. */
  readonly superuser: PostgresAddress;
  urlOf(database: string, role?: { readonly user: string; readonly password: string }): string;
  /** Ends the server at once. Idempotent, never throws. */
  stop(): Promise<void>;
}

/** A socket's path has at most 107 bytes; the name of the socket takes 15. */
export const LONGEST_SOCKET_FOLDER = 92;
const PORT = 5432;
const SUPERUSER = 'postgres';
const WAIT_STEP_MS = 50;
const LOG_SHOWN = 600;

const GUARDIAN = `
("$BIN/postgres" -D "$FOLDER/data"; : >"$FOLDER/ended") >>"$FOLDER/log" 2>&1 </dev/null &
read -r word
while [ ! -e "$FOLDER/ended" ] && [ -d "$FOLDER" ]; do
  [ -s "$FOLDER/data/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$FOLDER/data/postmaster.pid")" 2>/dev/null
  sleep 0.05
done
wait
`;

/** Durability is off: what is in it is thrown away. What a drill measures is that much faster than a careful server. */
const SETTINGS = {
  listen_addresses: '',
  port: String(PORT),
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  // Indexes are sorted in it, two at a time.
  maintenance_work_mem: '256MB',
  max_connections: '100',
  shared_buffers: '128MB',
  // It would read what was just loaded, beside the loading of the rest.
  autovacuum: 'off',
  timezone: 'UTC',
  log_min_messages: 'warning',
  max_locks_per_transaction: '256',
};

/**
 * Makes and starts a cluster. As root the server runs as the user `postgres`, or else `nobody`. Throws `target_failed` with
 * what initdb or the server said, `interrupted`.
 */
export async function startThrowawayCluster(options: ThrowawayOptions): Promise<ThrowawayCluster> {
  const { folder, binaries, mark, signal } = options;
  if (Buffer.byteLength(folder) > LONGEST_SOCKET_FOLDER) {
    throw new HoldfastError('target_failed', `${folder} is too long a path for a socket`, {
      next: 'name a shorter folder for drills',
    });
  }
  const owner = await serverOwner();
  const password = randomBytes(18).toString('base64url');
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, 'password'), `${password}\n`, { mode: 0o600 });
  if (owner) for (const path of [folder, join(folder, 'password')]) await chown(path, owner.uid, owner.gid);
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: folder, ...mark };
  await initialise(options, owner, environment);
  await rm(join(folder, 'password'));
  await writeFile(join(folder, 'data', 'postgresql.auto.conf'), settingsText(folder));
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: folder,
    env: { ...environment, BIN: binaries.folder, FOLDER: folder },
    ...owner,
  });
  const cluster = clusterOf(folder, password, guardian);
  try {
    await untilAnswering(cluster.superuser, guardian, folder, signal);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function clusterOf(folder: string, password: string, guardian: ChildProcess): ThrowawayCluster {
  const ended = new Promise<void>((resolve) => {
    guardian.once('exit', () => resolve());
    guardian.once('error', () => resolve());
  });
  guardian.stdin!.on('error', () => {});
  guardian.unref();
  const urlOf: ThrowawayCluster['urlOf'] = (database, role = { user: SUPERUSER, password }) => {
    const login = `${encodeURIComponent(role.user)}:${encodeURIComponent(role.password)}`;
    return `postgres://${login}@${encodeURIComponent(folder)}:${PORT}/${encodeURIComponent(database)}`;
  };
  return {
    superuser: parsePostgresAddress(urlOf('postgres')),
    urlOf,
    async stop() {
      guardian.stdin!.end();
      if (guardian.exitCode !== null || guardian.signalCode !== null) return;
      guardian.ref();
      await ended;
    },
  };
}

async function untilAnswering(
  address: PostgresAddress,
  guardian: ChildProcess,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    try {
      await endQuietly(await connect(address));
      return;
    } catch (error) {
      if (codeOf(error) !== 'database_unreachable') throw error;
      if (guardian.exitCode !== null || existsSync(join(folder, 'ended'))) {
        const said = await logOf(folder);
        throw new HoldfastError('target_failed', `the throwaway PostgreSQL server did not start: ${said}`, {
          cause: error,
          next: 'see what it said; the machine may lack memory or shared memory',
        });
      }
    }
    await sleep(WAIT_STEP_MS);
  }
}

async function logOf(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
  return log.trim().slice(-LOG_SHOWN) || 'it left no log';
}

function settingsText(folder: string): string {
  const settings: Record<string, string> = { ...SETTINGS, unix_socket_directories: folder };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('');
}

/** The server refuses to run as root. Null for an ordinary user, as which it then runs. */
async function serverOwner(): Promise<{ uid: number; gid: number } | null> {
  if (process.geteuid?.() !== 0) return null;
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name);
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new HoldfastError('target_failed', 'a PostgreSQL server does not run as root', {
    next: 'run the drill as an ordinary user, or add a user postgres',
  });
}

function initialise(
  { binaries, folder, signal }: ThrowawayOptions,
  owner: { uid: number; gid: number } | null,
  env: Record<string, string>,
): Promise<void> {
  const args = ['--no-sync', `--username=${SUPERUSER}`, '--encoding=UTF8', '--locale=C.UTF-8'];
  const auth = ['--auth=scram-sha-256', `--pwfile=${folder}/password`];
  const child = spawn(join(binaries.folder, 'initdb'), [...args, ...auth, `${folder}/data`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env,
    ...owner,
  });
  const abort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-LOG_SHOWN);
  });
  return new Promise<void>((resolve, reject) => {
    const fail = (what: string) =>
      reject(
        signal.aborted
          ? new HoldfastError('interrupted')
          : new HoldfastError('target_failed', `initdb ${what}: ${said.trim() || 'no message'}`),
      );
    child.once('error', (error) => fail(`cannot be started, ${error.message}`));
    child.once('close', (code, name) => (code === 0 ? resolve() : fail(`ended with ${name ?? code}`)));
  }).finally(() => signal.removeEventListener('abort', abort));
}
