import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import type { LocalLedger } from '../../server/ledger/local-ledger.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, printable } from '../format.ts';
import { anchorNow } from '../ledger-anchors.ts';
import type { LedgerModule } from '../ledger-door.ts';
import { entryTable, keyTable } from '../ledger-text.ts';
import { verifyLedger } from '../ledger-verify.ts';
import { actorOfRun, openHere } from '../run-ledger.ts';

export function addLedger(program: Command, action: Action): void {
  const ledger = program
    .command('ledger')
    .description('the signed record of everything done: read it, prove it');
  ledger
    .command('list')
    .description('the newest entries')
    .option('--reads', 'the reads of backup data instead of what was done')
    .option('--limit <n>', 'how many', parseLimit, 20)
    .option('--before <seq>', 'only entries before this one', parseLimit)
    .option('--action <name>', 'only these: backup, restore, key, …')
    .option('--tenant-id <id>', 'only those of this tenant')
    .addHelpText('after', examples('holdfast ledger list', 'holdfast ledger list --reads --limit 100 --json'))
    .action(action(list));
  ledger
    .command('head')
    .description('the newest entry of both streams: note it elsewhere, and a cut end will show')
    .addHelpText('after', examples('holdfast ledger head --json'))
    .action(action(head));
  ledger
    .command('dump')
    .description('write the ledger as five NDJSON files, which prove themselves')
    .argument(
      '<folder>',
      'made when missing; an earlier dump of this ledger in it is replaced, another never',
    )
    .addHelpText('after', examples('holdfast ledger dump ./ledger', 'npm run vault:dump ./ledger'))
    .action(action(dump));
  ledger
    .command('verify')
    .description('prove a dump; needs nothing but its files. Without a folder, the ledger of this machine')
    .argument('[folder]', 'of holdfast ledger dump')
    .option(
      '--anchors <address...>',
      'destinations that hold heads of the ledger: shows entries missing at the end',
    )
    .option('--key <key-id...>', 'keys you know to be right: each must have signed')
    .addHelpText(
      'after',
      `
Anchors are read without a key. With BACKUP_ENCRYPTION_KEY the manifests of the backups there are read, too.
${examples('holdfast ledger verify ./ledger', 'holdfast ledger verify ./ledger --anchors s3://backups/app --key 3f2a…')}`,
    )
    .action(action(verifyLedger));
  ledger
    .command('anchor')
    .description('put the heads on the destinations now')
    .addHelpText('after', examples('holdfast ledger anchor'))
    .action(action(anchorNow));
  const key = ledger.command('key').description('the keys that sign the ledger');
  addKeys(
    key.addHelpText('after', examples('holdfast ledger key list', 'holdfast ledger key rotate')),
    action,
  );
}

function addKeys(key: Command, action: Action): void {
  key
    .command('list')
    .description('every key there ever was')
    .addHelpText('after', examples('holdfast ledger key list'))
    .action(action(listKeys));
  key
    .command('rotate')
    .description('sign with a new key from now on; the old public key stays listed')
    .addHelpText('after', examples('holdfast ledger key rotate'))
    .action(action(rotate));
  key
    .command('new')
    .description('make a key for this machine, to be admitted by one that signs already')
    .addHelpText('after', examples('holdfast ledger key new'))
    .action(action(makeKey));
  key
    .command('admit')
    .description('let the key of another machine sign')
    .argument('<public-key>', 'as holdfast ledger key new shows it there')
    .requiredOption('--host <name>', 'the machine that has it')
    .addHelpText('after', examples('holdfast ledger key admit TLZbG_BHXS… --host worker2'))
    .action(action(admit));
  key
    .command('retire')
    .description('end the key of a machine that is gone')
    .argument('<key-id>', 'see holdfast ledger key list')
    .addHelpText('after', examples('holdfast ledger key retire 3f2a91c04d5e6f70'))
    .action(action(retire));
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('give a whole number of at least 1');
  return Number(text);
}

/** Opens the ledger of this machine for the work. Throws `ledger_missing`. */
async function withLedger<T>(
  cli: Cli,
  work: (ledger: LocalLedger, module: LedgerModule) => Promise<T>,
  create = false,
): Promise<T> {
  const { loadLedger } = cli.io;
  if (!loadLedger) throw new HoldfastError('ledger_missing');
  const ledger = await openHere(cli.io, loadLedger, create);
  try {
    return await work(ledger, await loadLedger());
  } finally {
    await ledger.close();
  }
}

interface ListOptions {
  readonly reads?: boolean;
  readonly limit: number;
  readonly before?: number;
  readonly action?: string;
  readonly tenantId?: string;
}

async function list(
  cli: Cli,
  { reads, limit, before, action, tenantId }: ListOptions,
): Promise<CommandResult> {
  const entries = await withLedger(cli, ({ place }, { listLedger }) =>
    listLedger(place.db, {
      ...{ stream: reads ? 'org_admin_reads' : 'audit_vault', limit },
      ...(before === undefined ? {} : { beforeSeq: before }),
      ...(action === undefined ? {} : { action }),
      ...(tenantId === undefined ? {} : { tenantId }),
    }),
  );
  return { json: entries, text: entries.length === 0 ? 'no entries\n' : entryTable(entries) };
}

async function head(cli: Cli): Promise<CommandResult> {
  const heads = await withLedger(cli, (ledger) => ledger.heads());
  if (!heads) throw new HoldfastError('ledger_missing');
  const lines = heads.heads.map(({ stream, seq, hash }) => `${stream}  ${seq}  ${hash}\n`);
  return { json: heads, text: `ledger ${heads.ledgerId}\n${lines.join('')}` };
}

/** That the ledger was read out is itself an entry, the last one of the dump, with a checkpoint behind it. */
async function dump(cli: Cli, name: string): Promise<CommandResult> {
  const folder = resolve(cli.io.folder, name);
  const summary = await withLedger(cli, async (ledger, { dumpLedger }) => {
    const entry = {
      ...({ stream: 'audit_vault', tenantId: null, actor: actorOfRun(), action: 'ledger.dump' } as const),
      ...({ object: { kind: 'folder', id: folder }, outcome: 'started', detail: {} } as const),
    };
    try {
      if (await ledger.heads()) await ledger.record(entry);
      await ledger.checkpoint();
    } catch (error) {
      // A ledger that nobody can write any more is the one most worth reading.
      cli.note(`warning: the dump is not in the ledger: ${(error as Error).message}`);
    }
    return dumpLedger(ledger.place, folder);
  });
  const lines = Object.entries(summary.counts).map(
    ([table, rows]) => `  ${table}.ndjson  ${formatCount(rows, 'row')}\n`,
  );
  return { json: summary, text: `ledger written to ${printable(folder)}\n${lines.join('')}` };
}

async function listKeys(cli: Cli): Promise<CommandResult> {
  const keys = await withLedger(cli, ({ place }, { listLedgerKeys }) => listLedgerKeys(place.db));
  return { json: keys, text: keyTable(keys) };
}

async function rotate(cli: Cli): Promise<CommandResult> {
  const rotated = await withLedger(cli, (ledger, { rotateLedgerKey }) => rotateLedgerKey(ledger));
  return {
    json: rotated,
    text: `the ledger is signed with ${rotated.added} from now on\n${rotated.retired} is retired and stays listed; note the new key id elsewhere\n`,
  };
}

async function makeKey(cli: Cli): Promise<CommandResult> {
  const made = await withLedger(cli, (ledger, { newLedgerKey }) => newLedgerKey(ledger), true);
  return {
    json: made,
    text: `${made.publicKey}\nnext: on a machine that signs already, run holdfast ledger key admit ${made.publicKey} --host NAME\n`,
  };
}

async function admit(
  cli: Cli,
  publicKey: string,
  { host }: { readonly host: string },
): Promise<CommandResult> {
  const admitted = await withLedger(cli, (ledger, { admitLedgerKey }) =>
    admitLedgerKey(ledger, publicKey, host),
  );
  return { json: admitted, text: `the key ${admitted.keyId} of ${printable(host)} may sign now\n` };
}

async function retire(cli: Cli, keyId: string): Promise<CommandResult> {
  const retired = await withLedger(cli, (ledger, { retireLedgerKey }) => retireLedgerKey(ledger, keyId));
  return { json: retired, text: `the key ${retired.keyId} signs nothing any more; it stays listed\n` };
}
