import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ImportPayload } from '../../contracts/cli-payloads.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { ImportedDump } from '../engine-door.ts';
import { failureOf } from '../failure.ts';
import { formatCount, formatSize, formatTime, printable } from '../format.ts';
import { withEngine } from '../open-engine.ts';

interface ImportOptions {
  readonly plan?: string;
  readonly tenantId?: string;
  readonly time?: string;
  readonly name?: string;
  readonly trusted?: boolean;
}

export function addImport(program: Command, action: Action): void {
  program
    .command('import')
    .description('take dumps that other programs made in as backups')
    .argument('<file...>', 'dumps of pg_dump, SQL scripts, copied SQLite files, tars of these')
    .option('--plan <name>', 'the plan they belong to; without one no rule of retention removes them')
    .option('--tenant-id <id>', 'the tenant they belong to (default: global)')
    .option('--time <iso>', 'when it was made (default: what the name says, else the time of the file)')
    .option('--name <name>', 'name of what is stored, such as db.dump')
    .option('--trusted', 'you made them: restoring may use any role, also one that may run programs')
    .addHelpText(
      'after',
      `
What a file is, its content tells: .dump (custom format), .sql, both also in gzip or zstd, a copied SQLite file with
the -wal beside it, .tar, .tar.gz, .tar.zst. Each file becomes a backup of its own, marked as imported; it never counts as
the last good one of a plan. A file that is cut or damaged is refused. Running it again imports what is new.
${examples('holdfast import /var/backups/app-*.dump', 'holdfast import old.sql.gz --plan nightly --time 2025-11-01T02:30:00Z')}`,
    )
    .action(action(importFiles));
}

type Done = { readonly file: string } & (
  | { readonly outcome: ImportedDump }
  | { readonly error: ImportPayload['failed'][number]['error'] }
);

async function importFiles(cli: Cli, files: string[], options: ImportOptions): Promise<CommandResult> {
  if (options.time !== undefined && files.length > 1)
    throw new HoldfastError('usage', '--time is for one file', { next: 'import the files one by one' });
  const done = await withEngine(
    cli,
    null,
    async (engine) => {
      const all: Done[] = [];
      for (const name of files) {
        const file = resolve(cli.io.folder, name);
        try {
          const { plan = null, tenantId = null, time = null, name: artifact = null } = options;
          const request = { file, plan, tenantId, time, name: artifact, trusted: options.trusted === true };
          all.push({ file, outcome: await engine.importDump(request) });
        } catch (error) {
          cli.signal.throwIfAborted();
          // What is wrong with the destination is wrong for every file.
          if (files.length === 1 || !isAboutFile(error)) throw error;
          const { code, message, next } = failureOf(error, false);
          all.push({ file, error: { code, message, next } });
        }
      }
      return all;
    },
    { createDefault: true },
  );
  const json = payloadOf(done, options.tenantId ?? null);
  return { json, text: renderImport(json), exitCode: json.failed.length > 0 ? EXIT.incomplete : EXIT.ok };
}

const isAboutFile = (error: unknown) =>
  error instanceof HoldfastError && (/^(source_|limit_|path_)/.test(error.code) || error.code === 'usage');

function payloadOf(done: readonly Done[], tenantId: string | null): ImportPayload {
  return {
    imported: done.flatMap((one) => {
      if ('error' in one) return [];
      const { backupId, status, plan, timestampMs, timeFrom, bytesStored, artifacts } = one.outcome;
      const timestamp = new Date(timestampMs).toISOString();
      return [
        {
          file: one.file,
          backupId,
          status,
          plan,
          tenantId,
          timestamp,
          timeFrom,
          bytesStored,
          artifacts: artifacts.map(({ name, kind, sizeBytes, sha256 }) => ({
            name,
            kind,
            sizeBytes,
            sha256,
          })),
        },
      ];
    }),
    failed: done.flatMap((one) => ('error' in one ? [{ file: one.file, error: one.error }] : [])),
  };
}

const FROM = { given: 'as given', name: 'by its name', file: 'by its file' } as const;

/** Exported for its test. */
export function renderImport({ imported, failed }: ImportPayload): string {
  const lines = imported.map(({ file, backupId, status, timestamp, timeFrom, artifacts }) => {
    const what = artifacts
      .map(({ name, sizeBytes }) => `${printable(name)} (${formatSize(sizeBytes)})`)
      .join(', ');
    if (status === 'known') return `${printable(file)} was imported before as ${backupId}\n`;
    return `${printable(file)} imported as backup ${backupId} of ${formatTime(Date.parse(timestamp))} ${FROM[timeFrom]}: ${what}\n`;
  });
  const failures = failed.map(
    ({ file, error }) => `NOT IMPORTED ${printable(file)}: ${error.message}\n  next: ${error.next}\n`,
  );
  const count = formatCount(imported.filter(({ status }) => status === 'imported').length, 'backup');
  return `${lines.join('')}${failures.join('')}${count} imported\n`;
}
