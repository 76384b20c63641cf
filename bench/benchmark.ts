/** Rounds of one workload: every tool, one after the other, on the same data. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Measurement, measure, run } from './measure.ts';
import type { Pattern } from './patterns.ts';
import type { Sample, Step } from './results.ts';
import { folderBytes } from './sizes.ts';
import type { Restore, Session, Tool } from './tools/port.ts';
import type { RestoreTarget, Workload } from './workloads/port.ts';

export interface RoundOptions {
  readonly workload: Workload;
  readonly tools: readonly Tool[];
  /** For the repositories; exists. */
  readonly folder: string;
  /** From 1. */
  readonly round: number;
  /** A day each, one after the other. */
  readonly patterns: readonly Pattern[];
  /** `first` is always among what is done. */
  readonly steps: readonly Step[];
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample) => void;
  /** Leaves the repositories where they are. */
  readonly keep: boolean;
}

interface Entry {
  readonly tool: Tool;
  readonly session: Session;
  readonly folder: string;
}

interface Day {
  readonly step: 'first' | 'unchanged' | 'changed';
  readonly pattern?: Pattern;
  readonly isLast?: boolean;
}

/** Into new repositories. Gives how many rows or files the first change edited. Rejects when a tool or a check fails. */
export async function runRound(options: RoundOptions): Promise<number> {
  const { workload, round, signal } = options;
  const entries = entriesOf(options);
  let changed = 0;
  for (const { session } of entries) if (session.prepare) await run(session.prepare, signal);
  for (const [index, day] of daysOf(options).entries()) {
    if (day.pattern) {
      const edited = await workload.change(day.pattern, round);
      changed ||= edited;
    }
    await workload.warm();
    const working = entries.filter(({ tool }) => !day.pattern || day.isLast || !tool.patternsAreAlike);
    for (const entry of turned(working, round + index)) await measureBackup(entry, day, index + 1, options);
  }
  await bringBack(entries, options);
  if (!options.keep) for (const { folder } of entries) rmSync(folder, { recursive: true, force: true });
  return changed;
}

/** Makes a folder for each tool that knows this kind of data. */
export function entriesOf({
  workload,
  tools,
  folder: parent,
  round,
}: Pick<RoundOptions, 'workload' | 'tools' | 'folder' | 'round'>): Entry[] {
  return tools
    .filter((tool) => tool.kinds.includes(workload.source.kind))
    .map((tool) => {
      const folder = join(parent, `round-${round}`, tool.name);
      mkdirSync(folder, { recursive: true });
      return { tool, session: tool.session(workload.source, folder), folder };
    });
}

function daysOf({ steps, patterns }: RoundOptions): Day[] {
  const days: Day[] = [{ step: 'first' }];
  if (steps.includes('unchanged')) days.push({ step: 'unchanged' });
  if (!steps.includes('changed')) return days;
  const changes = patterns.map(
    (pattern, i): Day => ({ step: 'changed', pattern, isLast: i === patterns.length - 1 }),
  );
  return [...days, ...changes];
}

/** Another one begins each time, so that none always runs after the same neighbour's writes. */
export function turned<T>(items: readonly T[], by: number): T[] {
  const first = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function measureBackup(
  { tool, session }: Entry,
  { step, pattern }: Day,
  backup: number,
  { round, signal, onSample }: RoundOptions,
): Promise<void> {
  const command = session.backup(backup);
  if (command === null) return;
  const { repository } = session;
  const before = repository === null ? 0 : folderBytes(repository);
  const measurement = await measureSettled(command, signal);
  const addedBytes = repository === null ? null : folderBytes(repository) - before;
  const slowestStage = session.slowestStage?.();
  const told = {
    ...(pattern === undefined ? {} : { pattern }),
    ...(slowestStage === undefined ? {} : { slowestStage }),
  };
  onSample({ step, tool: tool.name, round, ...measurement, addedBytes, ...told });
}

/** Every way back that was asked for and that there is for this data. */
async function bringBack(entries: readonly Entry[], options: RoundOptions): Promise<void> {
  const { workload, steps } = options;
  if (steps.includes('restore')) {
    await eachRestore(
      entries,
      'restore',
      options,
      () => workload.restoreTarget(),
      ({ session }, { place }) => session.restore(place),
    );
  }
  const { checkFile, drillTarget } = workload;
  if (steps.includes('file') && checkFile) {
    const place = join(options.folder, 'restored.dump');
    const target: RestoreTarget = {
      place,
      check: checkFile,
      remove: async () => rmSync(place, { force: true }),
    };
    const able = entries.filter(({ session }) => session.toFile);
    await eachRestore(
      able,
      'file',
      options,
      async () => target,
      ({ session }) => session.toFile!(place),
    );
  }
  if (steps.includes('drill') && drillTarget) {
    const able = entries.filter(({ session }) => session.drill);
    await eachRestore(able, 'drill', options, drillTarget, ({ session }, { place }) => session.drill!(place));
  }
}

type Restoring = Restore & { readonly wallSeconds?: (() => number) | null };

async function eachRestore(
  entries: readonly Entry[],
  step: Step,
  { round, signal, onSample }: RoundOptions,
  targetOf: () => Promise<RestoreTarget>,
  restoreOf: (entry: Entry, target: RestoreTarget) => Restoring | null,
): Promise<void> {
  for (const entry of turned(entries, round)) {
    const target = await targetOf();
    try {
      const restore = restoreOf(entry, target);
      if (restore === null) continue;
      const measurement = await measureRestore(entry.tool.name, restore, target, signal);
      onSample({ step, tool: entry.tool.name, round, ...measurement, addedBytes: null });
    } finally {
      await target.remove?.();
    }
  }
}

async function measureRestore(
  tool: string,
  { prepare, command, path, wallSeconds }: Restoring,
  target: RestoreTarget,
  signal: AbortSignal,
): Promise<Pick<Sample, 'wallSeconds' | 'cpuSeconds' | 'peakBytes'>> {
  try {
    if (prepare) await run(prepare, signal);
    const measurement = await measureSettled(command, signal);
    // A drill checks what it restored by itself, and leaves nothing of it.
    if (wallSeconds) return { wallSeconds: wallSeconds(), cpuSeconds: null, peakBytes: null };
    await target.check(path);
    return measurement;
  } catch (error) {
    throw new Error(`${tool}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Nothing a predecessor wrote is still on its way to the disk. */
export async function measureSettled(
  command: Parameters<typeof measure>[0],
  signal: AbortSignal,
): Promise<Measurement> {
  await run({ steps: [[['sync']]] }, signal);
  return measure(command, signal);
}
