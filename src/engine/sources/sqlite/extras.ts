import { fork } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import { EXTRAS_TIMEOUT_MS, type Extras, tableArtifactName } from '../extract.ts';
import type { ByteSink, Facts, SourceContext, StreamArtifact } from '../port.ts';

export interface ExtraTask {
  /** A copy of the database. */
  readonly path: string;
  /** Where the rows go; made anew. */
  readonly file: string;
  readonly query: string;
  /** Instead of the query. */
  readonly table: string | null;
  readonly format: 'csv' | 'ndjson';
}

const PROGRAM = fileURLToPath(scriptBeside(import.meta.url, 'extras-worker'));

/**
 * Extracts and table dumps as artifacts read from the copy at `path`, opened for reading only. The rows pass through a
 * scratch file: SQLite cannot wait for a sink. Their facts hold `rows`. Failures are `source_failed` and name the artifact.
 */
export function extraArtifacts(
  { extracts = [], tables = [], extrasTimeoutMs = EXTRAS_TIMEOUT_MS }: Extras,
  path: string,
  context: SourceContext,
): StreamArtifact[] {
  let count = 0;
  const one = (name: string, kind: string, task: Pick<ExtraTask, 'query' | 'table' | 'format'>) => {
    count += 1;
    const file = join(context.scratchFolder, `extra-${count}`);
    const produce = async (sink: ByteSink): Promise<Facts> => {
      try {
        const rows = await runQuery(name, { path, file, ...task }, extrasTimeoutMs, context.signal);
        await pass(file, sink, context);
        return { format: task.format, ...(task.table === null ? {} : { name: task.table }), rows };
      } finally {
        await rm(file, { force: true });
      }
    };
    const chunking = { method: 'content', profile: 'dump' } as const;
    return { form: 'stream', name, kind, chunking, produce } as const;
  };
  return [
    ...extracts.map(({ name, query, format }) =>
      one(name, `extract-${format}`, { query: query.trim(), table: null, format }),
    ),
    ...tables.map((table) =>
      one(tableArtifactName(table), 'table-ndjson', { query: '', table, format: 'ndjson' }),
    ),
  ];
}

async function pass(file: string, sink: ByteSink, { signal, progress }: SourceContext): Promise<void> {
  for await (const bytes of createReadStream(file)) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    await sink.write(bytes);
    progress.advance({ bytes: bytes.length });
  }
}

/** In a process of its own: a thread inside of SQLite cannot be stopped before the next row. */
async function runQuery(
  name: string,
  task: ExtraTask,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  if (signal.aborted) throw new HoldfastError('interrupted');
  const child = fork(PROGRAM, { execArgv: [], env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let answer: { readonly rows?: number; readonly message?: string } = {};
  let isLate = false;
  const end = () => void child.kill('SIGKILL');
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  child.once('message', (message) => {
    answer = message as typeof answer;
  });
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      answer = { message: error.message };
      resolve();
    });
    child.send(task, () => {});
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  if (answer.rows !== undefined) return answer.rows;
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (isLate) throw new HoldfastError('source_busy', `${name}: it took longer than ${timeoutMs} ms`);
  throw new HoldfastError('source_failed', `${name}: ${answer.message ?? 'the query gave no answer'}`);
}
