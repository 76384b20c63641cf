/**
 * A server or worker in a process of its own, for tests that kill it: `node job-process.ts '{"address":…}'`. Every run of a job is
 * a line in the log (`begin` or `end`, job, attempt, process), written at once, and a row in the table `ran`, written with the job's end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { workplaceOf } from '../../src/cli/workplace.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import type { JobHandler, JobQueue } from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import { openSchedule } from '../../src/server/schedule/schedule.ts';
import { openRunner } from '../../src/server/worker/runner.ts';
import { fakeCli, fakeIo } from './fake-io.ts';

export interface JobProcessOptions {
  readonly address: CatalogAddress;
  readonly log: string;
  readonly leaseMs: number;
  /** Runs the schedule. */
  readonly schedule?: boolean;
  /** Jobs at once; absent for no worker. */
  readonly concurrency?: number;
  /** How long a job takes. */
  readonly workMs?: number;
  /** Does real jobs, with the sources, destinations and keys of this place, instead. */
  readonly place?: { readonly folder: string; readonly environment: Readonly<Record<string, string>> };
}

export interface LogLine {
  readonly what: 'begin' | 'end';
  readonly jobId: string;
  readonly attempt: number;
  readonly pid: number;
}

/** Starts one; the test kills it. It is ready before this resolves. */
export async function startJobProcess(options: JobProcessOptions): Promise<ChildProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it was ready`)));
    child.stdout!.once('data', () => resolve());
  });
  return child;
}

/** Ends it at once, as a crash would, and waits until it is gone. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

export function readLog(file: string): LogLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

/** Makes the table that counts runs to completion. */
export async function createRan({ db }: Catalog): Promise<void> {
  await sql`create table ran (job_id text not null)`.execute(db);
}

/** Jobs that were run to completion more than once, or not at all. */
export async function wrongCounts({ db }: Catalog, jobIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ job_id: string }>`select job_id from ran`.execute(db);
  const counts = new Map<string, number>();
  for (const { job_id } of rows) counts.set(job_id, (counts.get(job_id) ?? 0) + 1);
  return jobIds.filter((id) => counts.get(id) !== 1);
}

export function loggingHandler(log: string, workMs: number): JobHandler {
  return async ({ id, attempt }, { signal }) => {
    const line = (what: LogLine['what']) =>
      appendFileSync(log, `${JSON.stringify({ what, jobId: id, attempt, pid: process.pid })}\n`);
    line('begin');
    await sleep(workMs, undefined, { signal });
    line('end');
    const record = async (trx: Catalog['db']) => {
      await sql`insert into ran (job_id) values (${id})`.execute(trx);
    };
    return { status: 'succeeded', result: null, record };
  };
}

function handlerOf(
  { log, workMs = 0, place }: JobProcessOptions,
  catalog: Catalog,
  queue: JobQueue,
): JobHandler {
  if (!place) return loggingHandler(log, workMs);
  const workplace = workplaceOf(fakeCli(fakeIo({ ...place, nowMs: () => Date.now() })));
  return openRunner({ catalog, queue, workplace });
}

async function main(options: JobProcessOptions): Promise<void> {
  const catalog = await openCatalog(options.address, { connections: 4 });
  const queue = await openQueue(catalog, { leaseMs: options.leaseMs, pollMs: 200, retryFirstMs: 10 });
  if (options.schedule) openSchedule({ catalog, queue, onError: console.error }).start();
  if (options.concurrency) {
    queue.work({
      handle: handlerOf(options, catalog, queue),
      concurrency: options.concurrency,
    });
  }
  process.stdout.write('ready\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(JSON.parse(process.argv[2]!) as JobProcessOptions);
}
