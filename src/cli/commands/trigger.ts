import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import type { Catalog } from '../../server/catalog/types.ts';
import type { Job, JobQueue } from '../../server/jobs/port.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { BackupType } from '../engine-door.ts';
import { printable } from '../format.ts';
import { homeFolder } from '../settings.ts';

interface TriggerOptions {
  readonly tenantId?: string;
  readonly type?: BackupType;
  readonly part?: string;
  readonly wait?: true;
}

export function addTrigger(program: Command, action: Action): void {
  program
    .command('trigger')
    .description('run a plan now: by the server, or here where there is none')
    .argument('[plan...]', 'a stored plan (default: the only one, of the tenant if one is named)')
    .option('--tenant-id <id>', 'the tenant that the plan belongs to')
    .addOption(
      new Option('--type <type>', 'only databases, only files, or both').choices(['db', 'storage', 'full']),
    )
    .option('--part <database>', 'a database of the plan that has its own hour')
    .option('--wait', 'wait for the end of the run')
    .addHelpText(
      'after',
      `
The request goes into the catalog of the server, and stays in its history of triggers. It runs as soon as a
server or worker is free. Where the data folder (or HOLDFAST_DATABASE_URL) belongs to no server, because it has
neither an owner nor a plan, this is holdfast backup, which also takes paths. Which of both it was is said.
${examples('holdfast trigger nightly --wait', 'holdfast trigger --tenant-id acme --type db')}`,
    )
    .action(action(trigger));
}

async function trigger(cli: Cli, names: string[], options: TriggerOptions): Promise<CommandResult> {
  const { catalogAddress } = await import('../../server/service.ts');
  const address = catalogAddress({ environment: cli.io.environment, home: homeFolder(cli.io) });
  if ('file' in address && !existsSync(address.file)) return runHere(cli, names, options);
  const { openCatalog } = await import('../../server/catalog/catalog.ts');
  const catalog = await openCatalog(address);
  try {
    if (await isOfServer(catalog)) return await askServer(cli, catalog, names, options);
  } finally {
    await catalog.close();
  }
  return runHere(cli, names, options);
}

/** The ledger of the command line is in the same file, also where nobody ever started a server. */
async function isOfServer({ db }: Catalog): Promise<boolean> {
  const { hasOwner } = await import('../../server/access/users.ts');
  const { listDocuments } = await import('../../server/configuration/documents.ts');
  return (await hasOwner(db)) || (await listDocuments(db, 'plan')).length > 0;
}

async function askServer(
  cli: Cli,
  catalog: Catalog,
  [name, another]: readonly string[],
  options: TriggerOptions,
): Promise<CommandResult> {
  if (another !== undefined) throw new HoldfastError('usage', 'the server runs one plan at a time');
  const { openQueue } = await import('../../server/jobs/queue.ts');
  const queue = await openQueue(catalog);
  try {
    const asked = await ask(catalog, queue, name, options);
    if (!(await isAnybodyAtWork(catalog))) {
      cli.note('no worker is at work now: the run begins with holdfast serve or holdfast worker');
    }
    const job = options.wait ? await endOf(queue, asked.job, cli.signal) : asked.job;
    const outcome = asked.created ? 'accepted' : 'duplicate';
    const why = job.error === null ? '' : `: ${printable(job.error.message)}`;
    return {
      json: { triggerId: asked.triggerId, jobId: job.id, outcome, status: job.status, error: job.error },
      text: `asked the server: run ${job.id} of ${printable(job.plan ?? '')} is ${job.status}${why}\n`,
      exitCode: exitCodeOf(job),
    };
  } finally {
    await queue.close();
  }
}

async function runHere(cli: Cli, names: string[], { part, ...options }: TriggerOptions) {
  if (part !== undefined) {
    throw new HoldfastError('usage', 'there is no server here, and only a server runs parts', {
      next: 'leave out --part, or start holdfast serve',
    });
  }
  const { makeBackup } = await import('./backup.ts');
  cli.note('there is no server with this data folder: running here, at once');
  return (await makeBackup(cli, names, options)).result;
}

async function isAnybodyAtWork({ db, clock }: Catalog): Promise<boolean> {
  const { WORKER_GONE_MS } = await import('../../server/jobs/worker-presence.ts');
  const worker = await db
    .selectFrom('job_workers')
    .select('id')
    .where('seen_at', '>', clock.nowMs() - WORKER_GONE_MS)
    .executeTakeFirst();
  return worker !== undefined;
}

async function ask(catalog: Catalog, queue: JobQueue, name: string | undefined, options: TriggerOptions) {
  const { requestBackup } = await import('../../server/runs/request-backup.ts');
  const plan = await planMeant(catalog, name, options.tenantId);
  return catalog.transaction((trx) =>
    requestBackup(trx, queue, {
      ...{ plan, part: options.part ?? null, type: options.type ?? null },
      ...{ via: 'cli', requestedBy: userInfo().username, atMs: catalog.clock.nowMs() },
    }),
  );
}

async function planMeant({ db }: Catalog, name: string | undefined, tenantId: string | undefined) {
  const { listDocuments } = await import('../../server/configuration/documents.ts');
  const { OWN_PLAN } = await import('../../server/configuration/own-plan.ts');
  const all = await listDocuments(db, 'plan', tenantId === undefined ? {} : { tenantId });
  const fitting = all.filter((plan) => (name === undefined ? plan.name !== OWN_PLAN : plan.name === name));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length === 0) {
    throw new HoldfastError(
      'plan_unknown',
      `the server has no ${name === undefined ? 'plan' : `plan ${name}`}${tenantId === undefined ? '' : ` of the tenant ${tenantId}`}`,
    );
  }
  const names = fitting.map((plan) => plan.name).join(', ');
  throw new HoldfastError('usage', `there are several plans: ${names}`, { next: 'name one of them' });
}

async function endOf(queue: JobQueue, { id }: Job, signal: AbortSignal): Promise<Job> {
  for await (const _ of queue.watch(id, { signal }));
  signal.throwIfAborted();
  return (await queue.get(id))!;
}

function exitCodeOf({ status }: Job): number {
  if (status === 'failed') return EXIT.failed;
  if (status === 'skipped') return EXIT.skipped;
  return status === 'interrupted' ? EXIT.interrupted : EXIT.ok;
}
