/** Puts the newest results into the documentation, between its marks. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conditions, resultMarkdown, shortTable } from './markdown.ts';
import type { BenchResult, WorkloadResult } from './results.ts';
import { WORKLOAD_NAMES } from './workloads/titles.ts';

export const BEGIN = '<!-- bench:begin -->';
export const END = '<!-- bench:end -->';

export interface Documents {
  /** Gets every number. */
  readonly full: string;
  /** Gets the ratios alone; left as it is when it has no marks. */
  readonly short: string;
}

const SHORT_INTRODUCTION =
  'Time, and bytes added to the repository, divided by what the peer needed for the same data: below 1 Holdfast needs less.';

/** The newest measurement of each workload among these files goes in. Gives the documents that were written. */
export function publish(resultFiles: readonly string[], documents: Documents): string[] {
  const results = newestOfEach(resultFiles.map(readResult));
  if (results.length === 0) throw new Error('there are no results to publish: run the benchmark first');
  const full = results.map(resultMarkdown).join('\n\n');
  const short = [
    SHORT_INTRODUCTION,
    shortTable(results.flatMap(({ workloads }) => workloads).toSorted(inOrder)),
    ...new Set(results.map(conditions)),
  ].join('\n\n');
  const text = readFileSync(documents.full, 'utf8');
  if (!text.includes(BEGIN)) throw new Error(`${documents.full} has no ${BEGIN}`);
  const written = [write(documents.full, full), write(documents.short, short)];
  return written.filter((path) => path !== null);
}

/** Files of results in a folder, by name; none when it does not exist. */
export function resultFilesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => join(folder, name));
}

export function between(text: string, content: string): string | null {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) return null;
  return `${text.slice(0, begin + BEGIN.length)}\n\n${content}\n\n${text.slice(end)}`;
}

function write(path: string, content: string): string | null {
  const text = between(readFileSync(path, 'utf8'), content);
  if (text === null) return null;
  writeFileSync(path, text);
  return path;
}

function readResult(path: string): BenchResult {
  const result = JSON.parse(readFileSync(path, 'utf8')) as BenchResult;
  if (result.format !== 1) throw new Error(`${path} is no result of this benchmark`);
  return result;
}

const inOrder = (a: WorkloadResult, b: WorkloadResult) =>
  WORKLOAD_NAMES.indexOf(a.workload) - WORKLOAD_NAMES.indexOf(b.workload);

/** Oldest first, each with only those workloads that no later one has measured again. */
function newestOfEach(results: readonly BenchResult[]): BenchResult[] {
  const sorted = results.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  const newest = new Map(
    sorted.flatMap((result) => result.workloads.map(({ workload }) => [workload, result])),
  );
  return sorted
    .map((result) => ({
      ...result,
      workloads: WORKLOAD_NAMES.flatMap((name) =>
        newest.get(name) === result ? result.workloads.filter(({ workload }) => workload === name) : [],
      ),
    }))
    .filter(({ workloads }) => workloads.length > 0);
}
