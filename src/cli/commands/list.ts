import type { Command } from 'commander';
import type { ListPayload } from '../../contracts/cli-payloads.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach, exitCodeOf } from '../each-destination.ts';
import type { DoneAt, ListedBackup } from '../engine-door.ts';
import { formatAge, formatCount, formatSize, formatTime } from '../format.ts';
import { type Column, renderTable } from '../table.ts';

interface ListOptions {
  readonly plan?: string;
  readonly tenantId?: string;
  readonly archived?: boolean;
}

export function addList(program: Command, action: Action): void {
  program
    .command('list')
    .description('list backups, newest first')
    .option('--plan <name>', 'only backups of this plan')
    .option('--tenant-id <id>', 'only backups of this tenant')
    .option('--archived', 'what rotate removed and holdfast undelete can still bring back')
    .addHelpText(
      'after',
      examples('holdfast list', 'holdfast list --plan nightly', "holdfast list --json | jq '.[0].id'"),
    )
    .action(action(list));
}

async function list(cli: Cli, options: ListOptions): Promise<CommandResult> {
  const isArchived = options.archived === true;
  const filter = { plan: options.plan ?? null, tenantId: options.tenantId ?? null, archived: isArchived };
  const answers = await atEach(cli, (engine) => engine.list(filter));
  const backups: CopiedBackup[] = 'alone' in answers ? answers.alone : joined(answers.several);
  const several = 'several' in answers ? answers.several : [];
  for (const { destination, failure } of several) {
    if (failure) cli.note(`warning: ${destination} is not looked at: ${failure.message}`);
  }
  return {
    json: backups.map(listed),
    text: renderList(backups, cli.io.nowMs(), isArchived),
    exitCode: exitCodeOf(several),
  };
}

/** A backup and, where there are several destinations, those that hold it. */
type CopiedBackup = ListedBackup & { readonly destinations?: readonly string[] };

/** Each backup once, newest first. */
function joined(answers: readonly DoneAt<ListedBackup[]>[]): CopiedBackup[] {
  const found = new Map<string, CopiedBackup & { destinations: string[] }>();
  for (const { destination, result } of answers) {
    for (const backup of result ?? []) {
      const known = found.get(backup.id);
      if (known) {
        known.destinations.push(destination);
        if (backup.encryption === 'none') found.set(backup.id, { ...known, encryption: 'none' });
      } else found.set(backup.id, { ...backup, destinations: [destination] });
    }
  }
  return [...found.values()].sort((a, b) => b.timestampMs - a.timestampMs || (a.id < b.id ? 1 : -1));
}

function listed(backup: CopiedBackup): ListPayload[number] {
  const { id, plan, tenantId, type, sizeBytes, status, held, encryption, destinations } = backup;
  return {
    id,
    plan,
    tenantId,
    type,
    timestamp: new Date(backup.timestampMs).toISOString(),
    sizeBytes,
    status,
    held,
    encryption,
    ...(destinations ? { destinations: [...destinations] } : {}),
  };
}

/** With what has to be known of a backup beside it. */
export function renderStatus({
  status,
  held,
  encryption,
}: Pick<ListedBackup, 'status' | 'held' | 'encryption'>): string {
  return [status, ...(held ? ['held'] : []), ...(encryption === 'none' ? ['NOT ENCRYPTED'] : [])].join(', ');
}

/** Exported for its test. A column that is the same for all backups and says nothing is left out. */
export function renderList(backups: readonly CopiedBackup[], nowMs: number, archived: boolean): string {
  if (backups.length === 0) {
    return archived ? 'nothing is archived\n' : 'no backups yet; make one with holdfast backup\n';
  }
  const columns: Column<CopiedBackup>[] = [
    { title: 'id', value: ({ id }) => id },
    { title: 'time (UTC)', value: ({ timestampMs }) => formatTime(timestampMs) },
    { title: 'age', value: ({ timestampMs }) => formatAge(timestampMs, nowMs) },
    { title: 'type', value: ({ type }) => type },
    { title: 'plan', value: ({ plan }) => plan ?? '' },
  ];
  if (backups.some(({ tenantId }) => tenantId !== null)) {
    columns.push({ title: 'tenant', value: ({ tenantId }) => tenantId ?? 'global' });
  }
  columns.push(
    { title: 'size', value: ({ sizeBytes }) => formatSize(sizeBytes), align: 'right' },
    { title: 'status', value: renderStatus },
  );
  if (backups.some(({ destinations }) => destinations)) {
    columns.push({ title: 'copies', value: ({ destinations }) => (destinations ?? []).join(', ') });
  }
  return `${renderTable(columns, backups)}${formatCount(backups.length, 'backup')}\n`;
}
