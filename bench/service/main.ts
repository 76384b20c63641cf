/** `npm run bench -- --service`: lists over a long history and a queue in which a thousand plans are due at once, on both catalogs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { commitOf, describeMachine } from '../machine.ts';
import type { CatalogTask } from './one-catalog.ts';
import { type CatalogResult, type ServiceResult, serviceMarkdown } from './report.ts';

const CATALOGS = ['sqlite', 'postgres'] as const;

export const SERVICE_HELP = `npm run bench -- --service [options]

Fills a catalog with a long history, starts the service on it, and measures pages of every list over HTTP; then makes many plans
due in the same minute and measures how the queue drains.

Options:
  --rows <count>       backups, jobs, triggers, and entries of each stream of the ledger  (default: 1000000)
  --plans <count>      due in the same minute  (default: 1000)
  --pages <count>      of each list  (default: 200)
  --catalog <name>     ${CATALOGS.join(' or ')}  (default: one after the other)
  --keep <folder>      SQLite: leaves a copy of the filled catalog there, or begins with the one that is there
  --output <folder>    where results are written  (default: bench/results/service)
`;

interface Options {
  readonly rows: number;
  readonly plans: number;
  readonly pages: number;
  readonly catalogs: readonly (typeof CATALOGS)[number][];
  readonly output: string;
  /** Null keeps nothing. */
  readonly keep: string | null;
}

/** Throws an error whose message says what is wrong with the arguments. `args` without --service. */
export function parseService(args: readonly string[], results: string): Options | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ rows: text, plans: text, pages: text, catalog: text, output: text, keep: text },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const whole = (name: string, given: string | undefined, otherwise: number) => {
    const value = Number(given ?? otherwise);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Error(`--${name} is a whole number from 1`);
  };
  const catalogs = CATALOGS.filter((name) => values.catalog === undefined || values.catalog === name);
  if (catalogs.length === 0)
    throw new Error(`--catalog knows ${CATALOGS.join(', ')}, not '${values.catalog}'`);
  return {
    rows: whole('rows', values.rows, 1_000_000),
    plans: whole('plans', values.plans, 1000),
    pages: whole('pages', values.pages, 200),
    ...{ catalogs, output: values.output ?? join(results, 'service') },
    keep: values.keep ?? null,
  };
}

export async function benchService(options: Options, root: string, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-service-'));
  const started = new Date();
  const { rows, plans, pages } = options;
  const head = {
    ...{ format: 1 as const, startedAt: started.toISOString(), commit: commitOf(root) },
    ...{ machine: describeMachine(folder), settings: { rows, plans, pages } },
  };
  const done: CatalogResult[] = [];
  const base = join(options.output, `${head.startedAt.slice(0, 16).replace(':', '')}-${head.commit}`);
  try {
    for (const name of options.catalogs) {
      const task = { catalog: name, rows, plans, pages, home: join(folder, name), keep: options.keep };
      done.push(await inOwnProcess(task, signal));
      write(base, { ...head, catalogs: done });
    }
    console.log(`wrote ${base}.json and .md`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(base: string, result: ServiceResult): void {
  mkdirSync(join(base, '..'), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${base}.md`, `# The service with a long history\n\n${serviceMarkdown(result)}\n`);
}

/** Each catalog has a process of its own, so that its memory is its own. */
async function inOwnProcess(task: CatalogTask, signal: AbortSignal): Promise<CatalogResult> {
  const child = fork(new URL('./one-catalog.ts', import.meta.url), [JSON.stringify(task)], { signal });
  let result: CatalogResult | null = null;
  child.on('message', (message) => {
    result = message as CatalogResult;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.throwIfAborted();
  if (result === null) throw new Error(`the measurement on ${task.catalog} ended with ${code}`);
  return result;
}
