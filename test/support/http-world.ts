import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { workplaceOf } from '../../src/cli/workplace.ts';
import { type Clock, generateKeyText, MINUTE_MS } from '../../src/engine/index.ts';
import { readSealKey } from '../../src/server/access/seal-key.ts';
import { newSetupToken } from '../../src/server/access/setup.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import type { AccessRecord, App, ServerContext } from '../../src/server/http/context.ts';
import { httpSettings } from '../../src/server/http/http-settings.ts';
import { recordInLedger } from '../../src/server/http/ledger-record.ts';
import { buildServer, type ServerOptions } from '../../src/server/http/server.ts';
import type { JobQueue } from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { openNotices } from '../../src/server/notices/notices.ts';
import { outboundPolicy } from '../../src/server/outbound/index.ts';
import { restoreHandler } from '../../src/server/restores/run-restore.ts';
import { openSchedule } from '../../src/server/schedule/schedule.ts';
import { recordEnd } from '../../src/server/worker/job-ended.ts';
import { openRunner } from '../../src/server/worker/runner.ts';
import { fakeCli, fakeIo } from './fake-io.ts';
import { type HttpClient, httpClient } from './http-client.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { untilTrue } from './until-true.ts';

export const OWNER = { name: 'owner@example.org', password: 'tin roof rusted 42' };

export interface HttpWorld {
  readonly folder: string;
  readonly address: string;
  readonly app: App;
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly setupToken: string;
  /** The key of the repositories. */
  readonly keyText: string;
  readonly records: AccessRecord[];
  /** Lines of the log. */
  readonly log: string[];
  client(): HttpClient;
  /** Claims the server, once; logged in. */
  owner(): Promise<HttpClient>;
  /** Stores `main`, `app`, `uploads` and a plan `nightly`; the worker runs. */
  withPlan(owner: HttpClient): Promise<void>;
  /** Waits for the end of a job, and gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: as the API gives it
  ended(client: HttpClient, jobId: string): Promise<any>;
}

export interface WorldOptions extends ServerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: a file in the data folder. */
  readonly catalogAddress?: CatalogAddress;
  /** Of the catalog. Default: the machine's. */
  readonly clock?: Clock;
  /** Another server on the same data. */
  readonly folder?: string;
}

const QUARTER_MS = 15 * MINUTE_MS;

/** Attempts to log in are counted by quarters of an hour. With this clock one begins now, so that no test runs over its end. */
export function clockAtQuarter(): Clock {
  const aheadMs = QUARTER_MS - (Date.now() % QUARTER_MS);
  return { nowMs: () => Date.now() + aheadMs };
}

/** A server on a port of its own, with a catalog, a queue and a worker, in this process. */
export async function httpWorld(t: TestContext, options: WorldOptions = {}): Promise<HttpWorld> {
  const folder = options.folder ?? (await temporaryFolder(t));
  const home = join(folder, 'home');
  const keyText = generateKeyText();
  const environment = {
    HOLDFAST_HOME: home,
    BACKUP_ENCRYPTION_KEY: keyText,
    HOLDFAST_PORT: '0',
    ...options.environment,
  };
  const workplace = workplaceOf(fakeCli(fakeIo({ folder, environment, nowMs: () => Date.now() })));
  const catalog = await openCatalog(
    options.catalogAddress ?? { file: join(home, 'catalog.db') },
    options.clock ? { clock: options.clock } : {},
  );
  const queue = await openQueue(catalog, { pollMs: 100, retryFirstMs: 10, onEnded: recordEnd });
  const unexpected = (error: unknown) => {
    throw error;
  };
  const schedule = openSchedule({ catalog, queue, onError: unexpected });
  const records: AccessRecord[] = [];
  const log: string[] = [];
  const ledger = openCatalogLedger(catalog, { keyFolder: join(home, 'ledger-keys') });
  const allowed = (options.environment?.HOLDFAST_ALLOWED_ADDRESSES ?? '').split(',').filter(Boolean);
  const policy = outboundPolicy(allowed);
  const context: ServerContext = {
    ...{ catalog, queue, schedule, workplace },
    settings: httpSettings(environment, home),
    outbound: policy,
    sealKey: await readSealKey(undefined, join(home, 'access.key')),
    async record(entry) {
      records.push(entry);
      await recordInLedger(ledger)(entry);
    },
    ledger,
    notices: openNotices({
      ...{ catalog, onError: unexpected, publicUrl: null },
      ...{ outbound: { policy }, secrets: { environment, folder: home } },
    }),
    monitoring: {
      healthz: async () => ({ ok: true, body: { status: 'ok' } }),
      readyz: async () => ({ ok: true, body: { status: 'ok' } }),
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'holdfast_up 1\n' }),
    },
  };
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) });
  const app = await buildServer(context, { logger, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const parts = { catalog, queue, workplace };
  const worker = queue.work({ handle: openRunner(parts, { restore: restoreHandler(parts) }) });
  t.after(async () => {
    await app.close();
    await worker.stop();
    await queue.close();
    await catalog.close();
  });
  const address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const setupToken = (await newSetupToken(catalog)) ?? '';
  return {
    ...{ folder, address, app, catalog, queue, setupToken, keyText, records, log },
    client: () => httpClient(address),
    async owner() {
      const client = httpClient(address);
      const claimed = await client.send('POST', '/api/setup/owner', {
        body: OWNER,
        headers: { authorization: `Bearer ${setupToken}` },
      });
      if (claimed.status !== 201) throw new Error(claimed.text);
      return client;
    },
    withPlan: (owner) => storePlan(owner, folder),
    ended: (client, jobId) =>
      untilTrue(async () => {
        const { json } = await client.get(`/api/v1/jobs/${jobId}`);
        return json.finished_at ? json : null;
      }),
  };
}

/** A destination `main`, and `app.db` as the source `app`. */
export async function storeDatabase(owner: HttpClient, folder: string): Promise<void> {
  const made = [
    await owner.post('/api/v1/destinations', {
      name: 'main',
      body: { address: join(folder, 'main'), minimumFreeBytes: 0 },
    }),
    await owner.post('/api/v1/sources', {
      name: 'app',
      body: { kind: 'sqlite', path: join(folder, 'app.db') },
    }),
  ];
  for (const one of made) if (one.status !== 201) throw new Error(one.text);
}

async function storePlan(owner: HttpClient, folder: string): Promise<void> {
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a); insert into t values (1), (2), (3)');
  database.close();
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads', 'one.txt'), 'one');
  await storeDatabase(owner, folder);
  const made = [
    await owner.post('/api/v1/sources', {
      name: 'uploads',
      body: { kind: 'files', path: join(folder, 'uploads') },
    }),
    await owner.post('/api/v1/plans', {
      name: 'nightly',
      body: { sources: ['app', 'uploads'], destination: 'main' },
    }),
  ];
  for (const one of made) if (one.status !== 201) throw new Error(one.text);
}

/** Runs the plan, then takes two of its three rows out of the database, whose file it gives. */
export async function damagedAfterBackup(world: HttpWorld, owner: HttpClient): Promise<string> {
  await world.withPlan(owner);
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, ran.job_id);
  const file = join(world.folder, 'app.db');
  const damaged = new DatabaseSync(file);
  damaged.exec('delete from t where a > 1');
  damaged.close();
  return file;
}

/** How many rows a file of SQLite has in a table. */
export function rowsOf(file: string, table = 't'): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const { n } = database.prepare(`select count(*) n from ${table}`).get()!;
  database.close();
  return Number(n);
}

/** A user with a role, or with roles in tenants only; logged in. */
export async function person(
  world: HttpWorld,
  owner: HttpClient,
  name: string,
  role: string | null,
  tenantRoles: Record<string, string> = {},
): Promise<HttpClient> {
  const password = 'a long walk by the sea';
  const made = await owner.post('/api/v1/users', { name, password, role, tenant_roles: tenantRoles });
  if (made.status !== 201) throw new Error(made.text);
  const client = world.client();
  const login = await client.post('/api/v1/session', { name, password });
  if (login.status !== 201) throw new Error(login.text);
  return client;
}
