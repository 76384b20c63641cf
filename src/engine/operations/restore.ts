import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, HoldfastError, systemCode } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import type { Progress } from '../base/progress.ts';
import { type ChunkReader, openChunkReader } from '../repository/chunk-reader.ts';
import { defaultDecoders } from '../repository/decode-threads.ts';
import { readJoined } from '../repository/read-joined.ts';
import { decodeTreeEntries } from '../repository/tree-codec.ts';
import { restoreTree } from '../sources/files/index.ts';
import type { ArtifactReader, Content, Facts } from '../sources/port.ts';
import { restoreCopy, restorePostgres, restoreSql, restoreTable } from '../sources/postgres/index.ts';
import { restoreSqlite } from '../sources/sqlite/index.ts';
import { type OperationContext, withScratchFolder } from './context.ts';
import { fillBeside, type KeptPlace, keepingFile, keepingTree } from './restore-keeping.ts';
import { isDatabaseAddress, type PlannedStep, planRestore, type RestoreRequest } from './restore-plan.ts';
import { seekingReader } from './seeking-reader.ts';
import { finishLeftBehind } from './switches/finish-left-behind.ts';
import { writeNewFile } from './write-file.ts';

export interface RestoreOutcome {
  readonly backupId: string;
  readonly durationMs: number;
  readonly restored: readonly { item: string; target: string; sizeBytes: number }[];
  readonly warnings: readonly string[];
  /** What was there before and is kept; empty when nothing was replaced or nothing was to be kept. */
  readonly kept: readonly KeptPlace[];
}

interface Restore {
  readonly context: OperationContext;
  readonly request: RestoreRequest;
  readonly reader: ArtifactReader;
  readonly warnings: string[];
  readonly kept: KeptPlace[];
}

/**
 * Puts back what the request names. Manifest and signature are checked before anything is touched, every byte before
 * it is used, the result afterwards. Files, and folders that were missing, appear whole or not at all; a failure says
 * what was restored before it. Throws what `planRestore` throws, `target_not_empty`, `target_failed`,
 * `restore_mismatch`, `object_damaged`, `chunk_missing`, `interrupted`, and database errors.
 */
export async function restore(context: OperationContext, request: RestoreRequest): Promise<RestoreOutcome> {
  const { repository, progress, clock } = context;
  const startedMs = clock.nowMs();
  if (request.safe) await finishLeftBehind(request.safe.stateFolder, request.target, progress);
  const { manifest, steps } = await planRestore(context, request);
  progress.phase('index', {});
  const { storage, keys } = repository;
  const index = await repository.loadIndex({ forReading: true });
  const chunks = openChunkReader({ storage, keys, index, threads: defaultDecoders() });
  const warnings: string[] = [];
  const kept: KeptPlace[] = [];
  const run: Restore = {
    ...{ context, reader: artifactReader(chunks), warnings, kept },
    request: { ...request, backupId: manifest.id },
  };
  const done: string[] = [];
  try {
    if (isDatabaseAddress(request.target)) await restoreDatabase(run, steps);
    else {
      for (const step of steps) {
        await restoreToDisk(run, step);
        done.push(step.item);
      }
    }
  } catch (error) {
    throw withDone(isInterrupted(context, error) ? new HoldfastError('interrupted') : error, done);
  } finally {
    chunks.close();
  }
  return {
    backupId: manifest.id,
    durationMs: clock.nowMs() - startedMs,
    restored: steps.map(({ item, target, sizeBytes }) => ({ item, target, sizeBytes })),
    warnings,
    kept,
  };
}

export function artifactReader(chunks: ChunkReader): ArtifactReader {
  const readRange = seekingReader(chunks);
  return {
    read: (content, range) => (range === undefined ? chunks.stream(content) : readRange(content, range)),
    readJoined: (contents) => readJoined(chunks.stream, contents),
    entries: (content) => decodeTreeEntries(chunks.read(content)),
  };
}

/** After Ctrl-C whatever failed is the interruption it follows from. */
const isInterrupted = ({ signal }: OperationContext, error: unknown) =>
  signal.aborted && codeOf(error) !== 'interrupted';

/** What is already in place when a later item fails stays: it is whole. */
function withDone(error: unknown, done: readonly string[]): unknown {
  if (!(error instanceof HoldfastError) || done.length === 0) return error;
  const message = `${error.message} (restored before that: ${done.join(', ')})`;
  return new HoldfastError(error.code, message, { cause: error, next: error.next });
}

/** Folders made on the way go again when nothing came into them. */
async function restoreToDisk(run: Restore, step: PlannedStep): Promise<void> {
  const folder = dirname(step.target);
  let made: string | null = null;
  try {
    made = makeFolders(folder);
    await restoreItem(run, step);
  } catch (error) {
    if (made !== null) await removeEmpty(folder, made);
    throw aboutTarget(error, step.target);
  }
}

/** Removes `folder` and what is above it, up to and with `top`, as far as it is empty. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let path = folder; path.length >= top.length; path = dirname(path)) {
    const isGone = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}

function aboutTarget(error: unknown, target: string): unknown {
  if (error instanceof HoldfastError) {
    const isPlain = error.code !== 'target_failed' || error.message.includes(target);
    if (isPlain) return error;
    return new HoldfastError('target_failed', `${target}: ${error.message}`, {
      cause: error,
      next: error.next,
    });
  }
  const code = systemCode(error);
  if (code === null || !/^E[A-Z]+$/.test(code)) return error;
  return new HoldfastError('target_failed', `${target} could not be written: ${code}`, { cause: error });
}

async function restoreItem(run: Restore, step: PlannedStep): Promise<void> {
  const { progress, signal } = run.context;
  const { artifact, inside } = step.selected;
  const { replace } = run.request;
  signal.throwIfAborted();
  progress.phase(step.item, { bytes: step.sizeBytes });
  if (artifact.form === 'tree') return restoreFiles(run, step);
  if (inside !== null) {
    throw new HoldfastError('item_unknown', `${inside} of ${artifact.name} is restored into a database`, {
      next: 'name a postgres:// target',
    });
  }
  const { content, sizeBytes, sha256, facts } = artifact;
  const { target } = step;
  await keepingFile(run, step, async (given) => {
    if (artifact.kind === 'sqlite') {
      const common = { reader: run.reader, content, sizeBytes, sha256, facts, target, replace, signal };
      await restoreSqlite({ ...common, ...given });
      progress.advance({ bytes: sizeBytes });
      return;
    }
    const onBytes = (bytes: number) => progress.advance({ bytes });
    const written = run.reader.read(content);
    await writeNewFile({ target, content: written, sha256, replace, signal, onBytes, ...given });
  });
}

async function restoreFiles(run: Restore, step: PlannedStep): Promise<void> {
  const { context, request, reader, warnings } = run;
  const { artifact, inside } = step.selected;
  const { progress, signal } = context;
  const select = inside ?? (await singleFileOf(reader, artifact.content));
  const report = await keepingTree(run, step, (given) =>
    restoreTree({
      ...given,
      reader,
      content: artifact.content,
      target: step.target,
      replace: request.replace,
      // Its phase is the item's: several trees in a row are told apart.
      progress: { ...progress, phase: (_, total) => progress.phase(step.item, total) },
      signal,
      ...(select === null ? {} : { select }),
    }),
  );
  for (const { path, reason } of report.skipped)
    warnings.push(`${artifact.name}/${path} was left out: ${reason}`);
  if (report.previousKeptAt && !request.safe)
    warnings.push(`what was at ${step.target} is kept at ${report.previousKeptAt}`);
}

/** A root that was one file is a tree of one entry: it goes back as that file, not as a folder around it. */
async function singleFileOf(reader: ArtifactReader, content: Content): Promise<Buffer | null> {
  for await (const { path } of reader.entries(content)) return path.length > 0 ? path : null;
  return null;
}

async function restoreDatabase(run: Restore, steps: readonly PlannedStep[]): Promise<void> {
  const { context, request, reader } = run;
  const { signal } = context;
  let isFilled = false;
  const progress: Progress = {
    ...context.progress,
    advance(done) {
      isFilled ||= (done.bytes ?? 0) > 0;
      context.progress.advance(done);
    },
  };
  const dump = steps.find(({ kind }) => kind === 'pg-dump');
  progress.phase('database', { bytes: steps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
  const fill = (targetUrl: string) =>
    withScratchFolder(context, async (scratchFolder) => {
      const script = steps.find(({ kind }) => kind === 'pg-sql');
      if (script) return restoreScript(run, script, progress, targetUrl);
      if (!dump) {
        const artifacts = steps.map(({ selected }) => selected.artifact);
        await restoreCopy({ reader, targetUrl, progress, signal, artifacts, schema: 'create' });
        return;
      }
      const { artifact, inside } = dump.selected;
      const { content, facts } = artifact;
      const untrusted = isUntrusted(facts);
      const common = { reader, content, facts, targetUrl, scratchFolder, progress, signal, untrusted };
      if (inside === null) await restorePostgres(common);
      else {
        const [schema, table] = tableOf(inside);
        const what = request.withDependencies ? 'dependencies' : 'definition';
        const made = await restoreTable({ ...common, schema, table, what });
        if (made.tables.length > 1) run.warnings.push(`restored with it: ${made.tables.slice(1).join(', ')}`);
      }
    });
  const isBeside = steps.some(({ replaces }) => replaces) && request.safe !== undefined;
  await (isBeside ? fillBeside(run, dump ?? null, fill) : fill(request.target)).catch((error: unknown) => {
    throw aboutDatabase(signal.aborted ? new HoldfastError('interrupted') : error, isFilled && !isBeside);
  });
}

/** A dump that another program made, unless the operator vouched for it when it was imported. */
function isUntrusted({ imported }: Facts): boolean {
  return imported !== undefined && (imported as { trusted?: unknown } | null)?.trusted !== true;
}

async function restoreScript(
  { reader, context, warnings }: Restore,
  { selected }: PlannedStep,
  progress: Progress,
  targetUrl: string,
): Promise<void> {
  const { content, facts, name } = selected.artifact;
  if (selected.inside !== null)
    throw new HoldfastError('item_unknown', `${name} is a script: no table of it can be restored alone`);
  const { signal } = context;
  const { leftOut } = await restoreSql({
    reader,
    content,
    facts,
    targetUrl,
    progress,
    signal,
  });
  if (leftOut > 0) warnings.push(`${leftOut} statements about owners and grants were left out`);
}

/** A database made for a restore is dropped when that fails, unless the server is gone; one that was there stays. */
function aboutDatabase(error: unknown, isFilled: boolean): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const rewritten = (next: string) => new HoldfastError(error.code, error.message, { cause: error, next });
  if (error.code === 'target_not_empty') return rewritten('name a database that is missing or empty');
  if (!isFilled) return error;
  return rewritten(
    `${error.next}; if the database is there then, it holds a part of the backup: drop it before the next try`,
  );
}

/** `public.users`, or `users` for the schema public. */
function tableOf(text: string): readonly [schema: string, table: string] {
  const dot = text.indexOf('.');
  return dot < 0 ? ['public', text] : [text.slice(0, dot), text.slice(dot + 1)];
}
