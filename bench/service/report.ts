import type { Machine } from '../machine.ts';
import type { DrainFigures } from './drain.ts';
import type { PageFigures } from './pages.ts';

export interface CatalogResult {
  readonly catalog: 'sqlite' | 'postgres';
  readonly fillSeconds: number;
  readonly lists: readonly PageFigures[];
  readonly drain: DrainFigures;
  readonly memory: readonly MemoryPoint[];
}

/** Of the process: service, measurement and, for SQLite, the database. */
export interface MemoryPoint {
  readonly after: string;
  readonly residentBytes: number;
  /** In use after a garbage collection. */
  readonly usedBytes: number;
}

export interface ServiceResult {
  readonly format: 1;
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly settings: { readonly rows: number; readonly plans: number; readonly pages: number };
  readonly catalogs: readonly CatalogResult[];
}

const TITLE = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const;
const MIB = 2 ** 20;

export function serviceMarkdown({ startedAt, commit, machine, settings, catalogs }: ServiceResult): string {
  const { processor, cores, system, node, sqlite, loadBefore } = machine;
  const head = `Measured ${startedAt.slice(0, 16).replace('T', ' ')} UTC at commit ${commit} on ${processor}, ${cores} cores; ${system}, Node ${node}, SQLite ${sqlite}; load before: ${loadBefore}. ${settings.rows.toLocaleString('en')} rows in each table, ${settings.pages} pages of 50 of each list over HTTP, each asked for five times of which the fastest counts, in milliseconds.`;
  return [head, listTable(catalogs), ...catalogs.map(drainText)].join('\n\n');
}

function listTable(catalogs: readonly CatalogResult[]): string {
  const titles = catalogs.map(({ catalog }) => TITLE[catalog]);
  const names = catalogs[0]?.lists.map(({ list }) => list) ?? [];
  const lines = names.map((name) => {
    const cells = catalogs.flatMap(({ lists }) => {
      const { p50Ms, p95Ms } = lists.find(({ list }) => list === name)!;
      return [p50Ms.toFixed(1), p95Ms.toFixed(1)];
    });
    return `| ${[name, ...cells].join(' | ')} |`;
  });
  return [
    `| list | ${titles.map((title) => `${title}: p50 | p95`).join(' | ')} |`,
    `|---|${titles.map(() => '--:|--:|').join('')}`,
    ...lines,
  ].join('\n');
}

function drainText({ catalog, drain, memory, fillSeconds }: CatalogResult): string {
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  const mib = (value: number) => `${Math.round(value / MIB)} MiB`;
  return [
    `**${TITLE[catalog]}** (filled in ${fillSeconds.toFixed(0)} s). ${drain.plans} plans of ${drain.tenants} tenants, one of which has half of them, due in one minute; one worker, ${drain.concurrency} jobs at once of ${drain.workMs} ms each:`,
    `drained in ${drain.seconds.toFixed(1)} s, ${drain.wrong === 0 ? 'each exactly once' : `${drain.wrong} NOT EXACTLY ONCE`}. Wait for the first step: ${seconds(drain.waitP50Ms)} (p50), ${seconds(drain.waitP95Ms)} (p95);`,
    `mean of the big tenant ${seconds(drain.bigTenantMeanMs)}, worst mean of another ${seconds(drain.worstSmallTenantMeanMs)}; every tenant had a run after ${Math.round(drain.everyTenantServedAfter * 100)} % of it. A run that a person asked for amid it began after ${Math.round(drain.personWaitMs)} ms.`,
    `Memory in use, and resident: ${memory.map((point) => `${point.after} ${mib(point.usedBytes)}, ${mib(point.residentBytes)}`).join('; ')}; at most ${mib(drain.peakRssBytes)} resident in the drain.`,
  ].join(' ');
}
