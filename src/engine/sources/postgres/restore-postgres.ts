import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader, Content } from '../port.ts';
import { parsePostgresAddress } from './address.ts';
import { type ArchiveToc, type TocEntry, tocOfStream } from './archive-toc.ts';
import { checkCounts, checkLargeObjects } from './check-counts.ts';
import { feedTool, toolOutput } from './child.ts';
import { connect, endQuietly } from './connect.ts';
import { type DumpFacts, parseDumpFacts } from './facts.ts';
import { targetFailure } from './failures.ts';
import { loadTables } from './load-tables.ts';
import {
  DEFAULT_JOBS,
  pgRestoreCall,
  progressOf,
  type RestoreContext,
  type RestoreOptions,
} from './restore-context.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { chooseOwners, createMissingRoles, type OwnerChoice, requireUnprivileged } from './roles.ts';
import { prepareTarget, type Target } from './target.ts';
import { writeTocFile } from './toc-file.ts';
import { requireTools } from './tools.ts';

export interface PostgresRestoreReport {
  /** `tables`: loaded table by table from the repository; `archive`: all through pg_restore. */
  readonly path: 'tables' | 'archive';
  readonly tables: number;
  readonly rows: number;
  /** False when the facts of the dump are unknown, so that nothing could be compared. */
  readonly checked: boolean;
  readonly owners: OwnerChoice;
  readonly createdDatabase: boolean;
}

/**
 * Restores a dump into an empty database, which is created when missing; counts are compared with the facts before
 * this resolves. Throws `target_not_empty`, `restore_mismatch`, `tool_missing`, `database_unreachable`, `database_auth`,
 * `database_failed`, `target_failed`, `interrupted`. A database created here is dropped again on failure; one that was
 * there keeps whatever was loaded until then.
 */
export async function restorePostgres(options: RestoreOptions): Promise<PostgresRestoreReport> {
  const address = parsePostgresAddress(options.targetUrl);
  const facts = parseDumpFacts(options.facts);
  const toc = await tocOfStream(options.reader.read(options.content), 'object_damaged');
  const encoding = facts?.encoding ?? encodingOf(toc);
  const target = await prepareTarget(address, encoding);
  try {
    const context = await contextOf(options, toc, encoding, target);
    const plan = facts !== null && options.parallel !== false ? planRestore(toc, facts) : null;
    if (plan !== null) await restoreByTables(context, toc, plan);
    else await restoreWhole(context, facts);
    if (facts) await checkLargeObjects(context, facts);
    return {
      path: plan ? 'tables' : 'archive',
      tables: facts?.tables.length ?? toc.entries.filter((entry) => entry.kind === 'TABLE DATA').length,
      rows: facts?.tables.reduce((sum, table) => sum + table.rows, 0) ?? 0,
      checked: facts !== null,
      owners: context.owners,
      createdDatabase: target.created,
    };
  } catch (error) {
    await target.undo();
    throw options.signal?.aborted ? new HoldfastError('interrupted') : error;
  }
}

function encodingOf(toc: ArchiveToc): string {
  const entry = toc.entries.find(({ kind }) => kind === 'ENCODING');
  return /'([A-Za-z0-9_-]*)'/.exec(entry?.definition ?? '')?.[1] ?? '';
}

async function contextOf(
  options: RestoreOptions,
  toc: ArchiveToc,
  encoding: string,
  target: Target,
): Promise<RestoreContext> {
  const progress = progressOf(options);
  const dumpMajor = Number.parseInt(toc.header.pgDumpVersion, 10);
  const major = Math.max(target.server.major, Number.isNaN(dumpMajor) ? 0 : dumpMajor);
  const tools = await requireTools(major, options.toolFolders, options.searchPath);
  return {
    reader: options.reader,
    content: options.content,
    address: target.address,
    tools,
    scratchFolder: options.scratchFolder,
    jobs: Math.max(1, options.jobs ?? DEFAULT_JOBS),
    role: options.role ?? null,
    owners: await ownersOf(options, toc, target),
    encoding,
    progress,
    signal: options.signal,
  };
}

async function ownersOf(options: RestoreOptions, toc: ArchiveToc, target: Target): Promise<OwnerChoice> {
  const client = await connect(target.address);
  try {
    if (options.untrusted) {
      await requireUnprivileged(client);
      return 'skip';
    }
    if (options.createMissingRoles) await createMissingRoles(client, toc);
    if (options.owners === 'keep' || options.owners === 'skip') return options.owners;
    if (options.role !== undefined) return 'skip';
    const { owners, reason } = await chooseOwners(client, toc);
    if (owners === 'skip') progressOf(options).warn(`owners and grants are left out: ${reason}`);
    return owners;
  } catch (error) {
    throw targetFailure(error, target.address);
  } finally {
    await endQuietly(client);
  }
}

/** Definitions, then data table by table straight from the repository, with its indexes, then all else. */
async function restoreByTables(context: RestoreContext, toc: ArchiveToc, plan: RestorePlan): Promise<void> {
  const { progress } = context;
  const tocFile = await writeTocFile(context, toc);
  progress.phase('definitions', {});
  await toolOutput(pgRestoreCall(context, ['--section=pre-data', tocFile]));
  progress.phase('tables', {
    bytes: plan.tables.reduce((sum, { table }) => sum + table.end - table.start, 0),
  });
  await loadTables(context, plan);
  if (plan.others.length > 0) await restoreOthers(context, toc, plan);
  if (plan.later.length === 0) return;
  const list = await writeList(context, 'later.list', plan.later);
  const options = ['--section=post-data', `--use-list=${list}`, `--jobs=${context.jobs}`];
  await toolOutput(pgRestoreCall(context, [...options, tocFile]));
}

async function writeList(
  { scratchFolder }: RestoreContext,
  name: string,
  entries: readonly TocEntry[],
): Promise<string> {
  const path = join(scratchFolder, name);
  await writeFile(path, entries.map((entry) => `${entry.dumpId};\n`).join(''), { mode: 0o600 });
  return path;
}

/** Sequences and large objects: pg_restore reads an archive of only their blocks, chosen by a list of entries. */
async function restoreOthers(context: RestoreContext, toc: ArchiveToc, plan: RestorePlan): Promise<void> {
  const list = await writeList(context, 'entries.list', plan.others);
  const ranges = [{ start: 0, end: toc.tocEnd }, ...plan.otherBlocks];
  await feedTool(pgRestoreCall(context, [`--use-list=${list}`]), readRanges(context, ranges));
}

async function* readRanges(
  { reader, content }: { reader: ArtifactReader; content: Content },
  ranges: readonly { start: number; end: number }[],
): AsyncGenerator<Buffer> {
  for (const { start, end } of ranges) yield* copies(reader.read(content, { start, end }));
}

/** The whole archive through pg_restore, for dumps whose inner parts are not known or not understood. */
async function restoreWhole(context: RestoreContext, facts: DumpFacts | null): Promise<void> {
  context.progress.phase('archive', { bytes: context.content.sizeBytes });
  await feedTool(pgRestoreCall(context, []), counted(context));
  if (facts) await checkCounts(context, facts);
}

async function* counted({ reader, content, progress }: RestoreContext): AsyncGenerator<Buffer> {
  for await (const bytes of copies(reader.read(content))) {
    yield bytes;
    progress.advance({ bytes: bytes.length });
  }
}

/** Pieces that last: a pipe to a tool holds several at a time. */
async function* copies(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const bytes of pieces) yield Buffer.from(bytes);
}
