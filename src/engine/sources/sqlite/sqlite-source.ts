import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { ByteSink, Facts, Source, SourceContext, SourceSession } from '../port.ts';
import { pageSizeOf } from './sqlite-file.ts';
import { type CopyFacts, type LiveFacts, runTask } from './sqlite-task.ts';

export interface SqliteOptions {
  readonly name: string;
  readonly path: string;
  /** How long to wait for a writer that keeps the database locked. Default 30 s. */
  readonly busyTimeoutMs?: number;
}

const BUSY_TIMEOUT_MS = 30_000;
/** A chunk is what a changed page costs; below this the list of chunks costs more than it saves. */
const CHUNK_BYTES = 16 * 1024;
const READ_BYTES = 1 << 20;

/**
 * A live SQLite database. Opening takes one consistent copy (online backup inside a read transaction) into the
 * scratch folder; the original's journal mode and files stay as they are. The artifact counts only once the copy passed
 * `integrity_check`. Violated foreign keys are stated, not refused: they were there before. Throws `source_missing`,
 * `source_denied`, `source_busy`, `source_damaged`.
 */
export function sqliteSource(options: SqliteOptions): Source {
  return {
    kind: 'sqlite',
    name: options.name,
    open: (context) => openSession(options, context),
  };
}

async function openSession(options: SqliteOptions, context: SourceContext): Promise<SourceSession> {
  const { path, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  await pageSizeOf(path);
  const copy = join(context.scratchFolder, 'copy.sqlite');
  context.progress.phase(`copy ${options.name}`, { bytes: null });
  const live = await runTask<LiveFacts>({ kind: 'copy', path, copy, busyTimeoutMs }, context.signal);
  const { size } = await stat(copy);
  const pageSize = await pageSizeOf(copy);
  return {
    estimatedBytes: size,
    artifacts: [
      {
        form: 'stream',
        name: basename(path),
        kind: 'sqlite',
        chunking: { method: 'fixed', sizeBytes: Math.max(pageSize, CHUNK_BYTES) },
        produce: (sink) => produce(sink, copy, live, path, context),
      },
    ],
    async close() {
      for (const end of ['', '-wal', '-shm', '-journal']) await rm(copy + end, { force: true });
    },
  };
}

/** The check runs in its thread while the bytes are read. */
async function produce(
  sink: ByteSink,
  copy: string,
  live: LiveFacts,
  path: string,
  { progress, signal }: SourceContext,
): Promise<Facts> {
  const checking = runTask<CopyFacts>({ kind: 'check', path: copy }, signal);
  checking.catch(() => {});
  for await (const bytes of createReadStream(copy, { highWaterMark: READ_BYTES, signal })) {
    const written = sink.write(bytes as Buffer);
    if (written) await written;
    progress.advance({ bytes: (bytes as Buffer).length });
  }
  const { damage, ...facts } = await checking;
  if (damage.length > 0) {
    throw new HoldfastError('source_damaged', `${path} fails its integrity check: ${damage.join('; ')}`);
  }
  if (facts.foreignKeyViolations > 0) {
    progress.warn(`${path} has ${facts.foreignKeyViolations} rows that violate a foreign key`);
  }
  return { ...live, ...facts };
}
