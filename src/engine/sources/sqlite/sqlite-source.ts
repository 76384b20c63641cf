import { open, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Extras } from '../extract.ts';
import type {
  ByteSink,
  Facts,
  PreviousArtifact,
  Source,
  SourceContext,
  SourceSession,
  StreamArtifact,
} from '../port.ts';
import type { CheckResult } from './check-database.ts';
import { checkUntilAborted } from './check-until-aborted.ts';
import type { CopyResult } from './copy-database.ts';
import { runCopy } from './copy-process.ts';
import { extraArtifacts } from './extras.ts';
import { SIDE_FILES } from './replace-database.ts';
import { type CopyHeader, copyHeader, requireSpace, sizeOnDisk } from './sqlite-file.ts';

export interface SqliteOptions extends Extras {
  readonly name: string;
  readonly path: string;
  /** How long to wait for a writer that keeps the database locked. Default 30 s. */
  readonly busyTimeoutMs?: number;
  /**
   * Backs up a database that fails its integrity check all the same, to save what can be saved: the complaints become
   * the fact `damage`, and restoring it does not insist on a clean check. Default false.
   */
  readonly allowDamaged?: boolean;
}

const BUSY_TIMEOUT_MS = 30_000;
/**
 * A chunk is what a changed page costs. Measured on a 412 MB database: 1,000 scattered updates store 11.7 MB with
 * 16 KiB, 46 MB with 64 KiB; below 16 KiB, time and the list of chunks grow faster than the saving; what is stored at
 * first differs by less than 2 %.
 */
const CHUNK_BYTES = 16 * 1024;
const READ_BYTES = 1 << 20;

interface Copy extends CopyHeader, CopyResult {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * A live SQLite database. Opening takes one consistent copy (online backup inside one read transaction) into the
 * scratch folder; the original, its journal mode and its WAL stay as they are, but for a killed writer's journal,
 * which SQLite plays back on opening. The artifact counts only once the copy passed `integrity_check`; byte for byte the copy of
 * the backup before, it has passed already. Violated
 * foreign keys are stated, not refused: they were there before. Throws `source_missing`, `source_denied`,
 * `source_busy`, `source_damaged`, `source_failed`.
 */
export function sqliteSource(options: SqliteOptions): Source {
  const path = resolve(options.path);
  return {
    kind: 'sqlite',
    name: options.name,
    open: (context) => openSession({ ...options, path }, context),
  };
}

async function openSession(options: SqliteOptions, context: SourceContext): Promise<SourceSession> {
  const closing = new AbortController();
  const signal = AbortSignal.any([context.signal, closing.signal]);
  const path = join(context.scratchFolder, 'copy.sqlite');
  const working: Promise<unknown>[] = [];
  const close = async () => {
    closing.abort();
    await Promise.allSettled(working);
    for (const end of ['', ...SIDE_FILES]) await rm(path + end, { force: true }).catch(() => {});
  };
  try {
    const copy = await takeCopy(options, { ...context, signal }, path);
    const database: StreamArtifact = {
      form: 'stream',
      name: basename(options.path),
      kind: 'sqlite',
      chunking: { method: 'fixed', sizeBytes: Math.max(copy.pageSize, CHUNK_BYTES) },
      produce(sink, previous) {
        const producing = produce(options, copy, { ...context, signal }, sink, previous ?? null);
        working.push(producing);
        return producing;
      },
    };
    const extras = extraArtifacts(options, path, { ...context, signal });
    const artifacts = options.extrasOnly ? extras : [database, ...extras];
    return { estimatedBytes: copy.sizeBytes, artifacts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function takeCopy(options: SqliteOptions, context: SourceContext, copy: string): Promise<Copy> {
  const { path, name, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const { progress, signal } = context;
  if (signal.aborted) throw new HoldfastError('interrupted');
  const bytes = await sizeOnDisk(path);
  await requireSpace(copy, bytes);
  progress.phase(`copy ${name}`, { bytes });
  const copied = await runCopy(
    { path, copy, busyTimeoutMs },
    { signal, onBytes: (done) => progress.advance({ bytes: done }) },
  );
  const { size } = await stat(copy);
  return { path: copy, sizeBytes: size, ...copied, ...(await copyHeader(copy)) };
}

/** The check runs in its thread while the bytes are read. Settles when both have ended. */
async function produce(
  options: SqliteOptions,
  copy: Copy,
  { progress, signal }: SourceContext,
  sink: ByteSink,
  previous: PreviousArtifact | null,
): Promise<Facts> {
  const failing = new AbortController();
  const passed = passedBefore(copy, previous);
  const checking = checkUntilAborted(
    copy.path,
    passed?.sha256 ?? null,
    AbortSignal.any([signal, failing.signal]),
  );
  checking.catch(() => {});
  try {
    await stream(copy.path, sink, signal, (bytes) => progress.advance({ bytes }));
  } catch (error) {
    failing.abort();
    await checking.catch(() => {});
    throw error;
  }
  const checked = await checking;
  const { sqliteVersion, journalMode, pageSize } = copy;
  if (!checked) return { ...passed?.facts, journalMode };
  const { damage: complaints, facts } = checked;
  const damage =
    copy.missingBytes > 0 ? [`its last ${copy.missingBytes} bytes are missing`, ...complaints] : complaints;
  if (damage.length > 0 && !options.allowDamaged) {
    throw new HoldfastError(
      'source_damaged',
      `${options.path} fails its integrity check: ${damage.join('; ')}`,
    );
  }
  for (const warning of warningsOf(options.path, damage, facts)) progress.warn(warning);
  const pageCount = Math.ceil(copy.sizeBytes / pageSize);
  const live = { sqliteVersion, journalMode, pageSize, pageCount };
  return { ...live, ...facts, ...(damage.length > 0 ? { damage } : {}) };
}

/** The same bytes checked by the same SQLite give the same answer. Warnings are to be said again. */
function passedBefore(copy: Copy, previous: PreviousArtifact | null): PreviousArtifact | null {
  if (previous === null || previous.sizeBytes !== copy.sizeBytes || copy.missingBytes > 0) return null;
  const { sqliteVersion, damage, tables, foreignKeyViolations, unchecked } = previous.facts;
  const isClean = !damage && foreignKeyViolations === 0 && Array.isArray(unchecked) && unchecked.length === 0;
  return isClean && Array.isArray(tables) && sqliteVersion === copy.sqliteVersion ? previous : null;
}

async function stream(
  path: string,
  sink: ByteSink,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
      // An aborted copy is emptied: its end is no end.
      if (signal.aborted) throw new HoldfastError('interrupted');
      if (bytesRead === 0) return;
      const written = sink.write(buffer.subarray(0, bytesRead));
      if (written) await written;
      onBytes(bytesRead);
    }
  } finally {
    await file.close();
  }
}

function* warningsOf(path: string, damage: readonly string[], facts: CheckResult['facts']) {
  if (damage.length > 0) yield `${path} fails its integrity check: ${damage[0]}`;
  if (!facts) return;
  const { foreignKeyViolations, unchecked } = facts;
  if (foreignKeyViolations > 0) yield `${path} has ${foreignKeyViolations} rows that violate a foreign key`;
  if (unchecked.length > 0) {
    yield `${path} has tables that only its application can check: ${unchecked.join(', ')}`;
  }
}
