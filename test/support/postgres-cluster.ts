/**
 * Throwaway PostgreSQL clusters: a private socket folder, no TCP unless asked, nothing durable. A small guardian
 * process owns the server; it ends with the pipe to this process, so nothing stays behind when this one dies.
 * Free of node:test: demos use it as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ensurePostgres } from './ensure-postgres.ts';
import { freePort } from './free-port.ts';
import { emptyDataFolder, type ServerOwner } from './postgres-template.ts';

export interface ClusterOptions {
  /** How everyone but nobody in particular logs in. Default `trust`. */
  readonly auth?: 'trust' | 'scram';
  /** Also listens on 127.0.0.1. Default false. */
  readonly tcp?: boolean;
  /** More lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Cluster {
  /** Address of the database `postgres` as the superuser `postgres`. */
  readonly url: string;
  readonly binFolder: string;
  readonly socketFolder: string;
  readonly port: number;
  /** The superuser's password; empty with `trust`. */
  readonly password: string;
  /** The same address for another database or role. */
  urlOf(database: string, role?: { user: string; password?: string }): string;
  /** Runs SQL by psql and gives its unaligned output. Throws with psql's message at the first error. */
  psql(sql: string, database?: string): Promise<string>;
  /** Creates a database and gives its address. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server at once, as a crash would; resolves when it is gone. */
  crash(): Promise<void>;
  /** Starts it again after `crash` and waits until it answers. */
  start(): Promise<void>;
  /** Ends the server and removes every file. Idempotent. */
  stop(): Promise<void>;
}

const GUARDIAN = `
start() { "$BIN/postgres" -D "$FOLDER/data" >>"$FOLDER/log" 2>&1 </dev/null & pid=$!; }
start
while read -r word; do
  case $word in
    crash) kill -QUIT $pid; wait $pid; echo gone ;;
    start) start ;;
  esac
done
kill -QUIT $pid 2>/dev/null; wait $pid
rm -rf "$FOLDER"
`;

const WAIT_STEP_MS = 25;
/** Minutes: only a server that will never answer takes so long. */
const WAIT_STEPS = 8000;

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const binFolder = ensurePostgres();
  const owner = serverOwner();
  // Not os.tmpdir(): a socket's path must stay below 108 bytes.
  const folder = mkdtempSync('/tmp/holdfast-pg-');
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const password = options.auth === 'scram' ? randomBytes(9).toString('base64url') : '';
  const port = options.tcp ? await freePort() : 5432;
  try {
    emptyDataFolder({ binFolder, folder, owner });
    writeFileSync(join(folder, 'data/postgresql.auto.conf'), settingsText(folder, port, options));
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', BIN: binFolder, FOLDER: folder },
    ...owner,
  });
  const cluster = clusterOf({ binFolder, folder, port, password, guardian });
  try {
    await cluster.start();
    if (password !== '') await requirePassword(cluster, binFolder, folder);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

interface Parts {
  binFolder: string;
  folder: string;
  port: number;
  password: string;
  guardian: ChildProcess;
}

function clusterOf({ binFolder, folder, port, password, guardian }: Parts): Cluster {
  const ended = new Promise<void>((resolve) => guardian.once('exit', () => resolve()));
  guardian.stdin!.on('error', () => {});
  const said = guardian.stdout as Socket;
  guardian.unref();
  said.unref();
  let crashed = false;
  const environment = {
    PATH: '/usr/bin:/bin',
    PGHOST: folder,
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGPASSWORD: password,
    LC_ALL: 'C.UTF-8',
  };
  const psql = (sql: string, database = 'postgres') =>
    runPsql(join(binFolder, 'psql'), sql, { ...environment, PGDATABASE: database });
  const urlOf: Cluster['urlOf'] = (database, role = { user: 'postgres', password }) => {
    const login = [role.user, ...(role.password ? [role.password] : [])].map(encodeURIComponent).join(':');
    return `postgres://${login}@${encodeURIComponent(folder)}:${port}/${encodeURIComponent(database)}`;
  };
  return {
    url: urlOf('postgres'),
    binFolder,
    socketFolder: folder,
    port,
    password,
    urlOf,
    psql,
    async createDatabase(name) {
      await psql(`create database "${name.replaceAll('"', '""')}"`);
      return urlOf(name);
    },
    async crash() {
      crashed = true;
      said.ref();
      const gone = once(said, 'data');
      guardian.stdin!.write('crash\n');
      await gone;
      said.unref();
    },
    async start() {
      if (crashed) guardian.stdin!.write('start\n');
      crashed = false;
      await untilAnswering(psql, folder);
    },
    async stop() {
      guardian.stdin!.end();
      if (guardian.exitCode === null && guardian.signalCode === null) {
        guardian.ref();
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilAnswering(psql: Cluster['psql'], folder: string): Promise<void> {
  for (let step = 0; ; step += 1) {
    try {
      await psql('select 1');
      return;
    } catch (error) {
      if (step === WAIT_STEPS)
        throw new Error(`the cluster did not start: ${logOf(folder)}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'log'), 'utf8').slice(-2000);
  } catch {
    return 'it left no log';
  }
}

function settingsText(folder: string, port: number, options: ClusterOptions): string {
  const settings: Record<string, string> = {
    unix_socket_directories: folder,
    listen_addresses: options.tcp ? '127.0.0.1' : '',
    port: String(port),
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_connections: '50',
    shared_buffers: '64MB',
    timezone: 'UTC',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  );
  return lines.join('');
}

/** The server refuses to run as root; as an ordinary user it runs as that one. */
function serverOwner(): ServerOwner | null {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account = ['postgres', 'nobody'].flatMap((name) =>
    accounts.filter((fields) => fields[0] === name),
  )[0];
  if (!account) throw new Error('neither the user postgres nor nobody exists');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/** From now on nobody logs in without a password. */
async function requirePassword(
  { psql, password, port }: Cluster,
  binFolder: string,
  folder: string,
): Promise<void> {
  await psql(`alter role postgres password '${password}'`);
  const lines = ['local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256'];
  writeFileSync(join(folder, 'data/pg_hba.conf'), `${lines.join('\n')}\n`);
  await psql('select pg_reload_conf()');
  const nobody = { PATH: '/usr/bin:/bin', PGHOST: folder, PGPORT: String(port), PGUSER: 'postgres' };
  const enters = () =>
    runPsql(join(binFolder, 'psql'), 'select 1', { ...nobody, PGPASSWORD: 'no' }).then(
      () => true,
      () => false,
    );
  while (await enters()) await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
}

function runPsql(psql: string, sql: string, env: Record<string, string>): Promise<string> {
  const child = spawn(psql, ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
  });
  return finished(child, 'psql', sql);
}

function finished(child: ChildProcess, name: string, input: string): Promise<string> {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (bytes) => output.push(bytes));
  child.stderr?.on('data', (bytes) => errors.push(bytes));
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output).toString().replace(/\n$/, ''));
      else reject(new Error(`${name} failed: ${Buffer.concat(errors).toString().trim()}`));
    });
  });
}
