import type { Command } from 'commander';
import type { ShowPayload, TreePayload } from '../../contracts/cli-payloads.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atNearest } from '../each-destination.ts';
import type { ArtifactDetails, BackupDetails, TreeItem } from '../engine-door.ts';
import { formatAge, formatCount, formatSize, formatTime, printable } from '../format.ts';
import { renderTable } from '../table.ts';
import { renderStatus } from './list.ts';

export function addShow(program: Command, action: Action): void {
  program
    .command('show')
    .description('show what a backup holds: artifacts, tables with their row counts, files')
    .argument('<id>', 'beginning of an id, or `latest`')
    .argument('[item]', 'a file tree, or a path in one, such as uploads/2026')
    .addHelpText(
      'after',
      examples('holdfast show latest', 'holdfast show 0193a uploads/2026', 'holdfast show latest --json'),
    )
    .action(action(show));
}

async function show(cli: Cli, id: string, item: string | undefined): Promise<CommandResult> {
  if (item !== undefined) {
    const listing = await atNearest(cli, id, (engine, found) => engine.browse(found, item));
    return { json: treeJson(listing), text: renderTree(listing.entries) };
  }
  const backup = await atNearest(cli, id, (engine, found) => engine.show(found));
  return { json: showJson(backup), text: renderBackup(backup, cli.io.nowMs()) };
}

function showJson(backup: BackupDetails): ShowPayload {
  const { id, plan, tenantId, type, status, host, program, held, encryption } = backup;
  return {
    ...{ id, plan, tenantId, type, status },
    startedAt: new Date(backup.startedAtMs).toISOString(),
    finishedAt: new Date(backup.finishedAtMs).toISOString(),
    ...{ host, program, held, encryption },
    artifacts: backup.artifacts.map(({ name, source, kind, sizeBytes, sha256, facts }) => ({
      ...{ name, source, kind, sizeBytes, sha256 },
      facts: facts as ShowPayload['artifacts'][number]['facts'],
    })),
    problems: [...backup.problems],
  };
}

function treeJson(listing: { id: string; path: string; entries: readonly TreeItem[] }): TreePayload {
  return {
    id: listing.id,
    path: listing.path,
    entries: listing.entries.map((entry) => ({
      name: entry.name,
      type: entry.type,
      mode: entry.mode.toString(8).padStart(4, '0'),
      sizeBytes: entry.sizeBytes,
      modifiedAt: new Date(entry.modifiedAtMs).toISOString(),
      linkTarget: entry.linkTarget,
    })),
  };
}

/** Exported for its test. */
export function renderBackup(backup: BackupDetails, nowMs: number): string {
  const facts: [string, string][] = [
    ['backup', backup.id],
    ['time', `${formatTime(backup.timestampMs)} UTC, ${formatAge(backup.timestampMs, nowMs)}`],
    ['type', backup.type],
    ['plan', backup.plan ?? '-'],
    ['tenant', backup.tenantId ?? 'global'],
    ['status', renderStatus(backup)],
    ['host', backup.host],
    ['made by', backup.program],
  ];
  const head = facts.map(([name, value]) => `${name.padEnd(8)}  ${printable(value)}\n`).join('');
  const artifacts = renderTable(
    [
      { title: 'artifact', value: ({ name }) => name },
      { title: 'kind', value: ({ kind }) => kind },
      {
        title: 'size',
        value: ({ sizeBytes, facts }) => (facts.missing === true ? 'missing' : formatSize(sizeBytes)),
        align: 'right',
      },
      { title: 'sha256', value: ({ sha256 }) => sha256.slice(0, 16) },
    ],
    backup.artifacts,
  );
  const tables = tableGroups(backup.artifacts).map(renderTables).join('');
  return `${head}\n${artifacts}${tables}${renderProblems(backup)}`;
}

function renderProblems({ problems }: BackupDetails): string {
  if (problems.length === 0) return '';
  const lines = problems.map(
    ({ artifact, path, message }) =>
      `  ${printable([artifact, path].filter((part) => part).join(': '))}: ${printable(message)}\n`,
  );
  return `\nnot read:\n${lines.join('')}`;
}

interface TableFact {
  readonly name: string;
  readonly rows: number | null;
}

interface TableGroup {
  readonly title: string;
  readonly tables: readonly TableFact[];
}

/** Tables with their row counts, where a database source counted them; those exported one by one, by source. */
function tableGroups(artifacts: readonly ArtifactDetails[]): TableGroup[] {
  const exported = Map.groupBy(
    artifacts.filter(({ kind }) => kind === 'pg-csv'),
    ({ source }) => source,
  );
  const groups = [
    ...artifacts.map((artifact) => ({ title: artifact.name, tables: tablesOf(artifact) })),
    ...[...exported].map(([source, parts]) => ({
      title: source,
      tables: parts.map(({ facts }) => tableOf(facts)),
    })),
  ];
  return groups.filter(({ tables }) => tables.length > 0);
}

function renderTables({ title, tables }: TableGroup): string {
  const rows = renderTable(
    [
      { title: `tables of ${title}`, value: ({ name }) => name },
      { title: 'rows', value: (table) => table.rows?.toLocaleString('en-US') ?? '-', align: 'right' },
    ],
    tables,
  );
  return `\n${rows}`;
}

function tableOf({ schema, name, rows }: { readonly [key: string]: unknown }): TableFact {
  const parts = [schema, name].filter((part) => typeof part === 'string');
  return { name: parts.join('.'), rows: typeof rows === 'number' ? rows : null };
}

/** Reads the fact `tables`: a list of `{ name, schema?, rows }`, or a map of names to row counts. */
function tablesOf({ facts }: ArtifactDetails): TableFact[] {
  const { tables } = facts;
  if (Array.isArray(tables)) return tables.map(tableOf);
  if (typeof tables !== 'object' || tables === null) return [];
  return Object.entries(tables).map(([name, rows]) => tableOf({ name, rows }));
}

/** Exported for its test. */
export function renderTree(entries: readonly TreeItem[]): string {
  if (entries.length === 0) return 'empty\n';
  const table = renderTable(
    [
      { title: 'mode', value: ({ mode }) => mode.toString(8).padStart(4, '0') },
      {
        title: 'size',
        value: ({ type, sizeBytes }) => (type === 'file' ? formatSize(sizeBytes) : ''),
        align: 'right',
      },
      { title: 'modified (UTC)', value: ({ modifiedAtMs }) => formatTime(modifiedAtMs) },
      { title: 'name', value: nameOf },
    ],
    entries,
  );
  return `${table}${formatCount(entries.length, 'entry', 'entries')}\n`;
}

function nameOf({ name, type, linkTarget }: TreeItem): string {
  if (type === 'folder') return `${name}/`;
  return linkTarget === null ? name : `${name} -> ${linkTarget}`;
}
