/** A whole server: catalog, queue, schedule, HTTP, and a worker in the same process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { HOUR_MS, HoldfastError, systemCode } from '../engine/index.ts';
import { readSealKey } from './access/seal-key.ts';
import { forgetSessions } from './access/sessions.ts';
import { newSetupToken } from './access/setup.ts';
import { forgetAttempts } from './access/throttle.ts';
import { startAnchoring } from './anchor-ledger.ts';
import type { CatalogAddress } from './catalog/catalog.ts';
import type { Catalog } from './catalog/types.ts';
import { ensureOwnPlan, type OwnCatalog } from './configuration/own-plan.ts';
import { openCore } from './core.ts';
import { forgetHistory } from './history/forget-old.ts';
import type { ServerContext } from './http/context.ts';
import { type HttpSettings, httpSettings } from './http/http-settings.ts';
import { recordInLedger } from './http/ledger-record.ts';
import { isLocalName } from './http/origin.ts';
import { buildServer } from './http/server.ts';
import type { JobHandler, JobKind } from './jobs/port.ts';
import { openCatalogLedger } from './ledger/catalog-ledger.ts';
import { openMonitoring } from './monitoring/monitoring.ts';
import { forgetDeliveries } from './notices/history.ts';
import { openNotices } from './notices/notices.ts';
import { outboundPolicy } from './outbound/index.ts';
import { restoreHandler } from './restores/run-restore.ts';
import type { Workplace } from './worker/port.ts';
import type { RunnerParts } from './worker/runner-parts.ts';

export interface ServiceOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The data folder. */
  readonly home: string;
  readonly workplace: Workplace;
  /** Jobs with one of these labels are taken by this process, too. */
  readonly labels: readonly string[];
  /** Unless null; null leaves jobs to others. */
  readonly concurrency: number | null;
}

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:4180`. */
  readonly address: string;
  /** For the console, once; null when the server has an owner. */
  readonly setupToken: string | null;
  /** What whoever started it should know; null for nothing. */
  readonly warning: string | null;
  /** Answers what is under way, gives running jobs back, closes everything. */
  stop(): Promise<void>;
}

/** The catalog that the environment names: HOLDFAST_DATABASE_URL, else a file in the data folder. */
export function catalogAddress({
  environment,
  home,
}: Pick<ServiceOptions, 'environment' | 'home'>): CatalogAddress {
  const url = environment.HOLDFAST_DATABASE_URL;
  return url ? { url } : { file: join(home, 'catalog.db') };
}

/** Throws `catalog_*`, `config_invalid`, and what listening throws. The caller ends with `stop`. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { environment, home, workplace, labels, concurrency } = options;
  const settings = httpSettings(environment, home);
  const log = pino({ level: environment.HOLDFAST_LOG_LEVEL || 'warn' }, pino.destination(2));
  const onError = (error: unknown) => log.error({ err: error }, 'in the background');
  const ledgerKeys = join(home, 'ledger-keys');
  const core = await openCore({ address: catalogAddress(options), workplace, onError, ledgerKeys });
  const { catalog, queue, schedule } = core;
  const closing: (() => Promise<unknown>)[] = [() => core.close()];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const outbound = outboundPolicy(settings.allowedAddresses);
    const monitoring = openMonitoring(catalog, version());
    const notices = openNotices({
      ...{ catalog, onError, outbound: { policy: outbound } },
      secrets: { environment, folder: home },
      publicUrl: settings.publicUrl?.href ?? null,
    });
    const ledger = openCatalogLedger(catalog, { keyFolder: ledgerKeys });
    closing.push(() => ledger.settled());
    const context: ServerContext = {
      ...{ catalog, queue, schedule, settings, workplace },
      outbound,
      sealKey: await readSealKey(environment.HOLDFAST_ACCESS_KEY, join(home, 'access.key')),
      record: recordInLedger(ledger),
      ...{ ledger, notices, monitoring },
    };
    const app = await buildServer(context, { logger: log });
    closing.push(() => app.close());
    const setupToken = await newSetupToken(catalog);
    await app.listen({ host: settings.host, port: settings.port }).catch((error: unknown) => {
      throw listenError(error, settings);
    });
    schedule.start();
    if (concurrency !== null) core.work({ labels, concurrency }, otherKinds({ catalog, queue, workplace }));
    notices.start();
    closing.push(
      housekeeping(catalog, ownCatalogOf(options), onError),
      startAnchoring({ catalog, ledger, workplace, onError }),
      () => notices.stop(),
      async () => monitoring.stop(),
    );
    const address = addressOf(app.server.address(), settings.tls !== null);
    return { address, setupToken, warning: exposure(settings), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Passwords in plain text over a network are nothing to start with unnoticed. */
function exposure({ host, tls, publicUrl }: HttpSettings): string | null {
  if (isLocalName(host) || tls !== null || publicUrl?.protocol === 'https:') return null;
  return `${host} can be reached from elsewhere without TLS; set HOLDFAST_PUBLIC_URL and put TLS in front, see docs/operations.md`;
}

function listenError(error: unknown, { host, port }: HttpSettings): unknown {
  const why = {
    EADDRINUSE: 'something else listens there',
    EADDRNOTAVAIL: 'this machine does not have that address',
    EACCES: 'this user may not listen there',
  }[systemCode(error) ?? ''];
  if (why === undefined) return error;
  return new HoldfastError('config_invalid', `the server cannot listen at ${host}, port ${port}: ${why}`, {
    cause: error,
    next: 'choose others with --host and --port',
  });
}

/** Kinds of jobs that the runner of backups does not know. */
export function otherKinds(parts: RunnerParts): { readonly [K in JobKind]?: JobHandler } {
  return { restore: restoreHandler(parts) };
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** How the plan of the catalog itself finds it. */
function ownCatalogOf(options: ServiceOptions): OwnCatalog {
  const address = catalogAddress(options);
  return 'file' in address ? { file: address.file } : { urlEnv: 'HOLDFAST_DATABASE_URL' };
}

/** Removes what is over: sessions, codes, counted attempts, deliveries, old history. Sees to it that the catalog itself has a plan. */
function housekeeping(
  catalog: Catalog,
  own: OwnCatalog,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const keepPlan = () => {
    const author = { origin: 'api' as const, name: 'holdfast', atMs: catalog.clock.nowMs() };
    return catalog.transaction((trx) => ensureOwnPlan(trx, own, author));
  };
  const clean = () => {
    const old = [forgetAttempts, forgetSessions, forgetDeliveries, forgetHistory];
    const work = [...old.map((forget) => forget(catalog)), keepPlan()];
    last = Promise.all(work).catch(onError);
  };
  clean();
  const timer = setInterval(clean, HOUR_MS);
  return async () => {
    clearInterval(timer);
    await last;
  };
}

function addressOf(
  address: string | { address: string; family: string; port: number } | null,
  isTls: boolean,
): string {
  if (address === null || typeof address === 'string') return address ?? '';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${isTls ? 'https' : 'http'}://${host}:${address.port}`;
}
