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
    .description('ask the server to run a plan now')
    .argument('[plan]', 'a stored plan (default: the only one, of the tenant if one is named)')
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
server or worker is free. Without a server, use holdfast backup.
${examples('holdfast trigger nightly --wait', 'holdfast trigger --tenant-id acme --type db')}`,
    )
    .action(action(trigger));
}

async function trigger(cli: Cli, name: string | undefined, options: TriggerOptions): Promise<CommandResult> {
  const { catalogAddress } = await import('../../server/service.ts');
  const { openCatalog } = await import('../../server/catalog/catalog.ts');
  const { openQueue } = await import('../../server/jobs/queue.ts');
  const { environment } = cli.io;
  const catalog = await openCatalog(catalogAddress({ environment, home: homeFolder(cli.io) }));
  const queue = await openQueue(catalog);
  try {
    const asked = await ask(catalog, queue, name, options);
    const job = options.wait ? await endOf(queue, asked.job, cli.signal) : asked.job;
    const outcome = asked.created ? 'accepted' : 'duplicate';
    const why = job.error === null ? '' : `: ${printable(job.error.message)}`;
    return {
      json: { triggerId: asked.triggerId, jobId: job.id, outcome, status: job.status, error: job.error },
      text: `run ${job.id} of ${printable(job.plan ?? '')} is ${job.status}${why}\n`,
      exitCode: exitCodeOf(job),
    };
  } finally {
    await queue.close();
    await catalog.close();
  }
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
      `the server has no ${name === undefined ? 'plan' : `plan ${name}`}`,
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
