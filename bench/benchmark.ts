/** Rounds of one workload: every tool, one after the other, on the same data. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { measure, run } from './measure.ts';
import type { Pattern } from './patterns.ts';
import type { Sample, Step } from './results.ts';
import { folderBytes } from './sizes.ts';
import type { Session, Tool } from './tools/port.ts';
import type { RestoreTarget, Workload } from './workloads/port.ts';

export interface RoundOptions {
  readonly workload: Workload;
  readonly tools: readonly Tool[];
  /** For the repositories; exists. */
  readonly folder: string;
  /** From 1. */
  readonly round: number;
  readonly pattern: Pattern;
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample) => void;
  /** Leaves the repositories where they are. */
  readonly keep: boolean;
}

const BACKUPS = ['first', 'unchanged', 'changed'] as const;

interface Entry {
  readonly tool: Tool;
  readonly session: Session;
  readonly folder: string;
}

/** Into new repositories. Gives how many rows or files were changed. Rejects when a tool or a check fails. */
export async function runRound(options: RoundOptions): Promise<number> {
  const { workload, round, signal } = options;
  const entries = options.tools
    .filter((tool) => tool.kinds.includes(workload.source.kind))
    .map((tool) => openEntry(tool, options));
  let changed = 0;
  for (const { session } of entries) if (session.prepare) await run(session.prepare, signal);
  for (const [index, step] of BACKUPS.entries()) {
    if (step === 'changed') changed = await workload.change(options.pattern, round);
    await workload.warm();
    for (const entry of turned(entries, round + index)) await measureBackup(entry, step, index + 1, options);
  }
  // What was restored goes at the end: in the seconds after many files were deleted, ext4 makes new ones ten times as slowly,
  // and whoever comes next would pay for it.
  const targets: RestoreTarget[] = [];
  try {
    for (const entry of turned(entries, round + BACKUPS.length)) {
      const target = await workload.restoreTarget();
      targets.push(target);
      await measureRestore(entry, target, options);
    }
  } finally {
    for (const target of targets) await target.remove();
  }
  if (!options.keep) for (const { folder } of entries) rmSync(folder, { recursive: true, force: true });
  return changed;
}

function openEntry(tool: Tool, { workload, folder: parent, round }: RoundOptions): Entry {
  const folder = join(parent, `round-${round}`, tool.name);
  mkdirSync(folder, { recursive: true });
  return { tool, session: tool.session(workload.source, folder), folder };
}

/** Another one begins each time, so that none always runs after the same neighbour's writes. */
function turned<T>(items: readonly T[], by: number): T[] {
  const first = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function measureBackup(
  { tool, session }: Entry,
  step: Step,
  backup: number,
  { round, signal, onSample }: RoundOptions,
): Promise<void> {
  const command = session.backup(backup);
  if (command === null) return;
  const { repository } = session;
  const before = repository === null ? 0 : folderBytes(repository);
  await settle(signal);
  const measurement = await measure(command, signal);
  const addedBytes = repository === null ? null : folderBytes(repository) - before;
  const slowestStage = session.slowestStage?.();
  const told = slowestStage === undefined ? {} : { slowestStage };
  onSample({ step, tool: tool.name, round, ...measurement, addedBytes, ...told });
}

async function measureRestore(
  { tool, session }: Entry,
  target: RestoreTarget,
  { round, signal, onSample }: RoundOptions,
): Promise<void> {
  try {
    const restore = session.restore(target.place);
    if (restore === null) return;
    if (restore.prepare) await run(restore.prepare, signal);
    await settle(signal);
    const measurement = await measure(restore.command, signal);
    await target.check(restore.path);
    onSample({ step: 'restore', tool: tool.name, round, ...measurement, addedBytes: null });
  } catch (error) {
    throw new Error(`${tool.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Nothing a predecessor wrote is still on its way to the disk. */
const settle = (signal: AbortSignal) => run({ steps: [[['sync']]] }, signal);
