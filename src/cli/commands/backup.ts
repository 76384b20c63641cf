import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import type { BackupPayload } from '../../contracts/cli-payloads.ts';
import { EXIT } from '../../engine/base/errors.ts';
import { type ChosenPlan, choosePlan } from '../choose-plan.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { BackupOutcome, BackupRequest, BackupType } from '../engine-door.ts';
import { formatCount, formatDuration, formatSize, printable } from '../format.ts';
import { mask } from '../mask.ts';
import { withEngine } from '../open-engine.ts';
import type { SourceSpec } from '../recognise-source.ts';

export interface BackupOptions {
  readonly type?: BackupType;
  readonly tenantId?: string;
}

export function addBackup(program: Command, action: Action): void {
  program
    .command('backup')
    .description('back up a plan of the configuration, or the sources named here')
    .argument('[plan-or-source...]', 'a plan, or paths and postgres:// addresses')
    .addOption(
      new Option('--type <type>', 'only databases, only files, or both').choices(['db', 'storage', 'full']),
    )
    .option('--tenant-id <id>', 'the tenant it belongs to (default: global)')
    .addHelpText(
      'after',
      `
A file is taken for an SQLite database when its header says so, whatever its name. A database is copied
at one moment while it is in use. A name that is both a plan and a path means the plan; write ./name for
the path. Without a configuration the repository is made in the data folder, with a new key.
${examples(
  'holdfast backup ./app.db ./uploads postgres://app@localhost/orders',
  'holdfast backup nightly',
  'holdfast backup nightly --type db --json',
)}`,
    )
    .action(action(backup));
}

async function backup(cli: Cli, args: string[], options: BackupOptions): Promise<CommandResult> {
  const chosen = await choosePlan(cli, args, options);
  const request = requestOf(chosen, options);
  const outcome = await withEngine(cli, chosen.plan, (engine) => engine.backup(request), {
    createDefault: true,
  });
  const { plan, tenantId, type } = request;
  const { backupId, status, bytesRead, bytesStored, durationMs, artifacts, problems } = outcome;
  const json: BackupPayload = {
    ...{ backupId, status, plan, tenantId, type, bytesRead, bytesStored, durationMs },
    artifacts: artifacts.map(({ name, kind, sizeBytes, sha256 }) => ({ name, kind, sizeBytes, sha256 })),
    problems: problems.map(({ artifact, path, cause, message }) => ({ artifact, path, cause, message })),
  };
  return {
    json,
    text: renderBackupOutcome(outcome),
    exitCode: outcome.status === 'succeeded' ? EXIT.ok : EXIT.incomplete,
  };
}

function requestOf(chosen: ChosenPlan, options: BackupOptions): BackupRequest {
  return {
    sources: chosen.sources,
    plan: chosen.name ?? adHocPlan(chosen.sources),
    tenantId: options.tenantId ?? chosen.plan?.tenantId ?? null,
    type: options.type ?? chosen.plan?.type ?? typeOf(chosen.sources),
  };
}

/**
 * The plan a backup of named sources belongs to, so that retention compares like with like: the names of the
 * sources and a short hash of host and full addresses. The same command gives the same plan again; two folders
 * that share a name do not push each other out. A password is no part of it.
 */
export function adHocPlan(sources: readonly SourceSpec[], host = hostname()): string {
  const places = sources.map((source) => {
    if (source.kind === 'files') return `files ${source.paths.join(' ')}`;
    if (source.kind === 'sqlite') return `sqlite ${source.path}`;
    if (source.kind === 'command') return `command ${source.command}`;
    return `postgres ${mask(source.url).replace(':***@', '@').replace('password=***', '')}`;
  });
  const hash = createHash('sha256')
    .update(JSON.stringify([host, places.sort()]))
    .digest('hex');
  const names = sources.map(({ name }) => name).sort();
  return `${names.join('+')}@${hash.slice(0, 6)}`;
}

/** What sources together make: databases, files, or both. */
export function typeOf(sources: readonly SourceSpec[]): BackupType {
  const kinds = new Set(sources.map(kindOf));
  return kinds.size === 1 ? [...kinds][0]! : 'full';
}

function kindOf({ kind }: SourceSpec): 'db' | 'storage' {
  return kind === 'sqlite' || kind === 'postgres' ? 'db' : 'storage';
}

/** Exported for its test. */
export function renderBackupOutcome(outcome: BackupOutcome): string {
  const read = outcome.bytesRead;
  const share = read > 0 ? `, ${((outcome.bytesStored / read) * 100).toFixed(1)}% of it` : '';
  const artifacts = outcome.artifacts.map(
    ({ name, kind, sizeBytes }) => `  ${printable(name)}  ${kind}  ${formatSize(sizeBytes)}\n`,
  );
  const problems = outcome.problems.map(
    ({ artifact, path, message }) =>
      `  ${printable([artifact, path].filter((part) => part).join('/'))}: ${printable(message)}\n`,
  );
  const status = outcome.status === 'succeeded' ? 'succeeded' : 'is incomplete';
  return [
    `backup ${outcome.backupId} ${status}\n`,
    ...artifacts,
    `read ${formatSize(read)}, new ${formatSize(outcome.bytesStored)}${share}, in ${formatDuration(outcome.durationMs)}\n`,
    ...(problems.length > 0
      ? [`${formatCount(problems.length, 'entry', 'entries')} could not be read:\n`, ...problems]
      : []),
  ].join('');
}
