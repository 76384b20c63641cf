/** What a restore would do, in numbers and in words, nothing done yet. */
import {
  asHoldfastError,
  describeTarget,
  type Engine,
  silentProgress,
  type TargetDescription,
  withNearestCopy,
} from '../../engine/index.ts';
import { tablesOf } from '../history/table-facts.ts';
import type { Workplace } from '../worker/port.ts';
import type { RunnerParts } from '../worker/runner-parts.ts';
import { runConfig, specsOf } from '../worker/runner-parts.ts';
import { besideOf, isDatabase, markOf, publicTarget, type RestoreMode, targetOf } from './restore-target.ts';

export interface PlanRequest {
  readonly backupId: string;
  readonly item: string | null;
  readonly to: string;
  readonly mode: RestoreMode;
  readonly tenant: string | null;
  readonly safetyBackup: boolean;
  readonly destinations: readonly string[];
}

type Step = Awaited<ReturnType<Engine['planRestore']>>['steps'][number];

export interface PlannedStep extends Step {
  readonly tables: number | null;
  readonly rows: number | null;
  /** Of an artifact; null for all of it. */
  readonly inside: string | null;
}

export interface RestorePlan {
  readonly backupId: string;
  readonly from: string;
  readonly mode: RestoreMode;
  readonly target: string;
  readonly steps: readonly PlannedStep[];
  readonly there: TargetDescription;
  readonly replaces: boolean;
  readonly safetyBackup: boolean;
  readonly words: readonly string[];
  readonly obstacles: readonly string[];
}

/** Throws `id_unknown`, `item_unknown`, `source_missing`, and what reaching the target throws. */
export async function planRestore(
  parts: Pick<RunnerParts, 'catalog'> & { readonly workplace: Workplace },
  request: PlanRequest,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const { backupId, item, mode, tenant } = request;
  const { config } = await runConfig(parts);
  const specs = await specsOf(parts, config, request.destinations);
  const named = await targetOf(parts, config, request.to);
  const target = mode === 'beside' ? besideOf(named, markOf(backupId)) : named;
  const port = { progress: silentProgress, signal };
  return withNearestCopy(specs, backupId, port, async ({ engine, destination, backupId: id }) => {
    const details = await engine.show(id);
    const { stateFolder } = await specs.find(({ name }) => name === destination)!.options();
    const safe = mode === 'beside' ? {} : { safe: { stateFolder } };
    const there = await describeTarget(target, signal);
    const obstacles: string[] = [];
    const wanted = { backupId: id, item, target, replace: mode !== 'beside', ...safe };
    const planned = tenant === null ? await planOr(engine, wanted, obstacles) : [];
    const steps = planned.map((step) => ({ ...step, ...countsOf(details.artifacts, step.item) }));
    const replaces = tenant !== null || steps.some((step) => step.replaces);
    const isTaken = replaces || (isDatabase(target) && (there.tables ?? 0) > 0);
    if (mode === 'beside' && isTaken) obstacles.push(`${publicTarget(target)} is there already`);
    if (mode === 'safe' && replaces && there.obstacle !== null) obstacles.push(there.obstacle);
    if (tenant !== null && !isDatabase(target))
      obstacles.push('a tenant is restored into a PostgreSQL database');
    const plan = {
      ...{ backupId: id, from: destination, mode, target: publicTarget(target), steps, there, replaces },
      ...{ obstacles, safetyBackup: request.safetyBackup && replaces && mode !== 'beside' },
    };
    return { ...plan, words: wordsOf(plan, tenant) };
  });
}

/** What only the target speaks against is part of the plan. */
async function planOr(
  engine: Engine,
  wanted: Parameters<Engine['planRestore']>[0],
  obstacles: string[],
): Promise<readonly Step[]> {
  try {
    return (await engine.planRestore(wanted)).steps;
  } catch (error) {
    const { code, message } = asHoldfastError(error);
    if (code !== 'target_not_empty') throw error;
    obstacles.push(message);
    return [];
  }
}

function countsOf(artifacts: Awaited<ReturnType<Engine['show']>>['artifacts'], item: string) {
  const artifact = artifacts.find(({ name }) => item === name || item.startsWith(`${name}/`));
  const inside = artifact ? item.slice(artifact.name.length + 1) : '';
  const tables = artifact
    ? tablesOf(artifact).filter(({ name }) => inside === '' || name === inside || name === `public.${inside}`)
    : [];
  if (tables.length === 0) return { tables: null, rows: null, inside: inside || null };
  const isCounted = tables.every(({ rows }) => rows !== null);
  const rows = isCounted ? tables.reduce((sum, table) => sum + table.rows!, 0) : null;
  return { tables: tables.length, rows, inside: inside || null };
}

const number = (value: number) => value.toLocaleString('en-US');
const bytes = (value: number) => `${number(value)} bytes`;

function wordsOf(plan: Omit<RestorePlan, 'words'>, tenant: string | null): string[] {
  const { mode, target, steps, there, replaces, safetyBackup } = plan;
  const tables = steps.flatMap(({ inside }) => (inside === null || !isDatabase(target) ? [] : [inside]));
  const restored = steps.map(({ item, sizeBytes, rows, tables, target: place, replaces: isOver }) => {
    const counted = rows === null ? '' : `, ${number(rows)} rows in ${number(tables!)} tables`;
    return `${item} (${bytes(sizeBytes)}${counted}) goes to ${place}${isOver ? ', in place of what is there' : ''}`;
  });
  return [
    ...restored,
    ...tables.map(
      (name) => `${name} must not be in the database yet: a table is never restored over another`,
    ),
    ...(tenant === null
      ? []
      : [`the rows of tenant ${tenant} in ${target} become those of the backup; all others stay`]),
    `at ${target} is now: ${thereInWords(there)}`,
    ...(safetyBackup ? ['what is replaced is backed up first'] : []),
    ...(replaces && tenant === null ? [WHAT_BECOMES_OF_IT[mode]] : []),
    ...plan.obstacles.map((text) => `this would be refused: ${text}`),
  ];
}

const WHAT_BECOMES_OF_IT: { readonly [mode in RestoreMode]: string } = {
  beside: 'what is there stays as it is',
  safe: 'what is there now is kept beside, until it is dropped',
  replace: 'what is there now is gone afterwards',
};

function thereInWords({ kind, sizeBytes, entries, tables, rows, isMore }: TargetDescription): string {
  if (kind === 'nothing') return 'nothing';
  const counts = [
    sizeBytes === null ? null : bytes(sizeBytes),
    entries === null ? null : `${number(entries)} files and folders`,
    tables === null ? null : `${number(tables)} tables`,
    rows === null ? null : `about ${number(rows)} rows`,
  ].filter((text) => text !== null);
  return `a ${kind} of ${isMore ? 'more than ' : ''}${counts.join(', ')}`;
}
