/** `holdfast config export | diff | apply`: the configuration file against the catalog of the server. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../contracts/config.ts';
import { EXIT, HoldfastError } from '../engine/base/errors.ts';
import type { Catalog, CatalogDb } from '../server/catalog/types.ts';
import type { FileChange } from '../server/configuration-file/file-change.ts';
import type { Cli, CommandResult } from './cli.ts';
import { formatCount, printable } from './format.ts';
import { mayNotSign } from './ledger-text.ts';
import { actorOfRun } from './run-ledger.ts';
import {
  configPath,
  homeFolder,
  invalidConfig,
  isStored,
  type ParsedConfig,
  parsedConfig,
} from './settings.ts';

async function withCatalog<T>(cli: Cli, work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const { catalogAddress } = await import('../server/service.ts');
  const { openCatalog } = await import('../server/catalog/catalog.ts');
  const { environment } = cli.io;
  const catalog = await openCatalog(catalogAddress({ environment, home: homeFolder(cli.io) }));
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}

/** Writes to a new file, or to standard output. */
export async function exportConfig(cli: Cli, options: { readonly output?: string }): Promise<CommandResult> {
  const { exportFile } = await import('../server/configuration-file/export-file.ts');
  const text = await withCatalog(cli, ({ db }) => exportFile(db));
  if (options.output === undefined) return { json: { yaml: text }, text };
  const file = resolve(cli.io.folder, options.output);
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch((error: Error) => {
    throw new HoldfastError('usage', `${file} cannot be written: ${error.message}`, { cause: error });
  });
  return { json: { file }, text: `written to ${file}\n` };
}

export async function diffConfig(cli: Cli): Promise<CommandResult> {
  const { planChanges } = await import('../server/configuration-file/plan-changes.ts');
  const config = await requireFile(cli);
  const changes = await withCatalog(cli, ({ db }) => planChanges(db, config));
  const open = changes.filter(({ change }) => change !== 'keep' && change !== 'adopt');
  return {
    json: { changes: changes.map(payloadOf), conflicts: changes.filter(({ conflict }) => conflict).length },
    text: renderChanges(changes),
    exitCode: open.length > 0 ? EXIT.failed : EXIT.ok,
  };
}

export async function applyConfig(
  cli: Cli,
  options: { readonly overwrite?: readonly string[] },
): Promise<CommandResult> {
  const { applyFile } = await import('../server/configuration-file/apply-file.ts');
  const { planChanges } = await import('../server/configuration-file/plan-changes.ts');
  const { initDestination } = await import('../server/worker/init-destination.ts');
  const config = await requireFile(cli);
  return withCatalog(cli, async (catalog) => {
    const overwrite = new Set(options.overwrite);
    const planned = await planChanges(catalog.db, config);
    if (planned.some((one) => one.conflict && !overwrite.has(`${one.kind}/${one.name}`))) {
      cli.note(renderChanges(planned).trimEnd());
    }
    const author = { origin: 'file' as const, name: null, atMs: cli.io.nowMs() };
    const record = await recorder(cli, catalog, [...overwrite]);
    const done = await applyFile(catalog, config, overwrite, author, record);
    const workplace = (await import('./workplace.ts')).workplaceOf(cli);
    for (const { name } of done.filter(({ kind, change }) => kind === 'destination' && change === 'create')) {
      await initDestination({ catalog, workplace }, name, cli.signal).catch((error: Error) =>
        cli.note(`warning: the repository of ${name} was not made: ${error.message}`),
      );
    }
    return { json: { changes: done.map(payloadOf), applied: true }, text: renderChanges(done) };
  });
}

/** Writes what a file changed into the ledger of the catalog, with the change; undefined where this machine may not sign, which is said. */
async function recorder(cli: Cli, catalog: Catalog, overwritten: readonly string[]) {
  const { openCatalogLedger } = await import('../server/ledger/catalog-ledger.ts');
  const { maySign } = await import('../server/ledger/may-sign.ts');
  const { changeName } = await import('../server/configuration-file/apply-file.ts');
  const keyFolder = join(homeFolder(cli.io), 'ledger-keys');
  const ledger = openCatalogLedger(catalog, { keyFolder });
  if (!(await maySign(ledger))) {
    cli.note(`warning: THIS CHANGE IS NOT IN THE LEDGER: ${mayNotSign(keyFolder)}`);
    return undefined;
  }
  return async (trx: CatalogDb, done: readonly FileChange[]) => {
    const changes = done.filter(({ change }) => change !== 'keep');
    const entry = {
      ...{ stream: 'audit_vault' as const, tenantId: null, actor: actorOfRun(), action: 'config.apply' },
      ...{ object: null, outcome: 'succeeded' as const, atMs: cli.io.nowMs() },
      detail: { changes: changes.map((one) => `${one.change} ${changeName(one)}`), overwritten },
    };
    await ledger.recordIn(trx, [entry]);
  };
}

/** The file as it is written. Throws `config_missing`, `config_invalid`, and `usage` where the catalog itself is named. */
async function requireFile(cli: Cli): Promise<Config> {
  const file = configPath(cli.io, cli.options);
  if (file === null) throw new HoldfastError('config_missing');
  if (isStored(cli.io, cli.options)) {
    throw new HoldfastError('usage', 'a file is compared with the catalog, and catalog: is the catalog', {
      next: 'name a file with --config',
    });
  }
  const parsed = await parsedConfig(file);
  await refuseBrokenSchedules(file, parsed);
  return parsed.config;
}

/** Throws `config_invalid`. Only where there are settings is it looked at: what knows about schedules takes its time to load. */
export async function refuseBrokenSchedules(file: string, { config, placeOf }: ParsedConfig): Promise<void> {
  const scopes = [config.settings, ...Object.values(config.tenants).map(({ settings }) => settings)];
  if (scopes.every((values) => Object.keys(values).length === 0)) return;
  const { brokenSchedules } = await import('../server/configuration-file/broken-schedules.ts');
  const { problem } = await import('../contracts/config-file.ts');
  const problems = brokenSchedules(config).map(({ path, message }) => problem(path, message, placeOf));
  if (problems.length > 0) throw invalidConfig(file, problems);
}

function payloadOf({ body: _, ...change }: FileChange) {
  return change;
}

const MARK: Readonly<Record<FileChange['change'], string>> = {
  ...{ create: '+', replace: '~', delete: '-', keep: ' ', adopt: '=' },
};

/** Exported for its test. */
export function renderChanges(changes: readonly FileChange[]): string {
  const shown = changes.filter(({ change }) => change !== 'adopt');
  if (shown.length === 0) return 'the catalog and the file are equal\n';
  const lines = shown.flatMap(({ kind, name, change, conflict, changedBy, fields }) => [
    `${MARK[change]} ${kind} ${name}${remarkOn(kind, change)}${
      conflict ? `  CONFLICT: changed elsewhere${changedBy ? ` by ${printable(changedBy)}` : ''}` : ''
    }\n`,
    ...fields.map(({ field, stored, file }) => `    ${field}: ${shownValue(stored)} → ${shownValue(file)}\n`),
  ]);
  const conflicts = changes.filter(({ conflict }) => conflict).length;
  return `${lines.join('')}${conflicts > 0 ? `${formatCount(conflicts, 'conflict')}\n` : ''}`;
}

function remarkOn(kind: FileChange['kind'], change: FileChange['change']): string {
  if (change === 'keep') return ' (only in the catalog, stays)';
  return kind === 'tenant' && change === 'delete' ? ' (is archived, its backups stay)' : '';
}

const shownValue = (value: unknown) => (value === undefined ? 'absent' : printable(JSON.stringify(value)));
