import type { Command } from 'commander';
import type { ListPayload } from '../../contracts/cli-payloads.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { ListedBackup } from '../engine-door.ts';
import { formatAge, formatCount, formatSize, formatTime } from '../format.ts';
import { withEngine } from '../open-engine.ts';
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
  const backups = await withEngine(cli, null, (engine) =>
    engine.list({
      plan: options.plan ?? null,
      tenantId: options.tenantId ?? null,
      archived: options.archived === true,
    }),
  );
  return { json: backups.map(listed), text: renderList(backups, cli.io.nowMs(), options.archived === true) };
}

function listed(backup: ListedBackup): ListPayload[number] {
  const { id, plan, tenantId, type, sizeBytes, status, held } = backup;
  return {
    id,
    plan,
    tenantId,
    type,
    timestamp: new Date(backup.timestampMs).toISOString(),
    sizeBytes,
    status,
    held,
  };
}

/** Exported for its test. A column that is the same for all backups and says nothing is left out. */
export function renderList(backups: readonly ListedBackup[], nowMs: number, archived: boolean): string {
  if (backups.length === 0) {
    return archived ? 'nothing is archived\n' : 'no backups yet; make one with holdfast backup\n';
  }
  const columns: Column<ListedBackup>[] = [
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
    { title: 'status', value: ({ status, held }) => (held ? `${status}, held` : status) },
  );
  return `${renderTable(columns, backups)}${formatCount(backups.length, 'backup')}\n`;
}
