import { join } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import type { Core } from '../../server/core.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { readKeyTexts } from '../key-texts.ts';
import { mayNotSign } from '../ledger-text.ts';
import { collect, positive } from '../option-values.ts';
import { homeFolder } from '../settings.ts';
import { untilAborted } from './serve.ts';

interface WorkerOptions {
  readonly label?: readonly string[];
  readonly onlyLabels?: true;
  readonly concurrency: number;
}

export function addWorker(program: Command, action: Action): void {
  program
    .command('worker')
    .description('do jobs of a server on this machine')
    .option('--label <label>', 'also take jobs with this label; may be repeated', collect)
    .option('--only-labels', 'take no jobs without a label')
    .option('--concurrency <number>', 'jobs at once', positive, 2)
    .addHelpText(
      'after',
      `
A worker shares the catalog of its server: HOLDFAST_DATABASE_URL names the PostgreSQL database. Plans with a
label run only where it is carried, for sources that are reachable only there. Keys and logins that plans
name by variable or file must be set on this machine.
${examples('HOLDFAST_DATABASE_URL=postgres://holdfast@db/holdfast holdfast worker --label dmz')}`,
    )
    .action(action(work));
}

const told = (error: unknown) => {
  if (error instanceof HoldfastError) return `${error.message}; next: ${error.next}`;
  return error instanceof Error ? error.message : String(error);
};

/** Found out now, and not by every other run of the night. */
async function warnWithoutKey(cli: Cli): Promise<void> {
  const keys = await readKeyTexts(cli, { keys: null, folder: cli.io.folder }).catch((error: unknown) => {
    cli.note(`warning: ${told(error)}`);
    return null;
  });
  if (keys === null || keys.current !== null || keys.old.length > 0) return;
  cli.note(
    'warning: this machine has no key of backups: runs fail here unless their destination names one; next: set BACKUP_ENCRYPTION_KEY_FILE',
  );
}

/** Otherwise runs would succeed night after night, and only a line in a log would tell that no record of them exists. */
async function warnWithoutLedgerKey(cli: Cli, { catalog }: Core, keyFolder: string): Promise<void> {
  const { openCatalogLedger } = await import('../../server/ledger/catalog-ledger.ts');
  const { maySign } = await import('../../server/ledger/may-sign.ts');
  const isAdmitted = await maySign(openCatalogLedger(catalog, { keyFolder })).catch((error: unknown) => {
    cli.note(`warning: ${told(error)}`);
    return true;
  });
  if (isAdmitted) return;
  cli.note(
    `warning: NOTHING THAT THIS WORKER DOES IS IN THE LEDGER, and restores are refused here: ${mayNotSign(keyFolder)}`,
  );
}

async function work(cli: Cli, options: WorkerOptions): Promise<CommandResult> {
  const { label: labels = [], onlyLabels, concurrency } = options;
  if (onlyLabels && labels.length === 0) {
    throw new HoldfastError('usage', '--only-labels needs a label', { next: 'add --label NAME' });
  }
  const { catalogAddress, otherKinds } = await import('../../server/service.ts');
  const { openCore } = await import('../../server/core.ts');
  const { environment } = cli.io;
  const workplace = (await import('../workplace.ts')).workplaceOf(cli);
  const ledgerKeys = join(homeFolder(cli.io), 'ledger-keys');
  const core = await openCore({
    address: catalogAddress({ environment, home: homeFolder(cli.io) }),
    workplace,
    ledgerKeys,
    onError: (error) => cli.note(`warning: ${told(error)}`),
  });
  try {
    await warnWithoutKey(cli);
    await warnWithoutLedgerKey(cli, core, ledgerKeys);
    const worker = core.work(
      { labels, concurrency, unlabelled: onlyLabels !== true },
      otherKinds({ ...core, workplace }),
    );
    cli.note(`worker ${worker.id} takes jobs${labels.length > 0 ? ` with label ${labels.join(', ')}` : ''}`);
    await untilAborted(cli.signal);
    return { json: { worker: worker.id, stopped: true }, text: '' };
  } finally {
    await core.close();
  }
}
