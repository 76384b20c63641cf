/** Which groups of backups retention leaves alone, and what a person accepted. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { isApart, type Manifest } from '../repository/manifest.ts';
import { type Anomaly, type BackupMeasure, findAnomalies } from './anomaly.ts';
import type { RetentionCandidate, RetentionDecision } from './retention-plan.ts';

/** A group whose newest backup is unlike its history: nothing of it is removed. */
export interface PausedGroup extends Anomaly {
  readonly plan: string | null;
  readonly tenantId: string | null;
  readonly type: string;
}

export interface PauseRequest {
  readonly dryRun: boolean;
  /** Somebody looked at what is unlike the plan's history, and it is as it should be: remembered on this machine. */
  readonly acceptAnomalies?: boolean;
  /** Where this machine remembers it. */
  readonly stateFolder?: string;
}

type Group = Pick<RetentionCandidate, 'plan' | 'tenantId' | 'type'>;

export const isSameGroup = (one: Group, other: Group) =>
  one.plan === other.plan && one.tenantId === other.tenantId && one.type === other.type;

const keyOf = ({ plan, tenantId, type }: Group) => JSON.stringify([plan, tenantId, type]);

/** What the manifest says: nothing is read for it. */
export function measureOf({ id, startedAt, artifacts, statistics }: Manifest): BackupMeasure {
  const rows = new Map<string, number>();
  for (const { name, facts } of artifacts) {
    const tables = Array.isArray(facts.tables) ? facts.tables : [facts];
    for (const table of tables as readonly { schema?: unknown; name?: unknown; rows?: unknown }[]) {
      const label = [table.schema, table.name].filter((part) => typeof part === 'string').join('.');
      if (typeof table.rows === 'number') rows.set(`${name} ${label}`.trim(), table.rows);
    }
  }
  const { bytesRead, bytesStored } = statistics as {
    readonly bytesRead?: unknown;
    readonly bytesStored?: unknown;
  };
  const isKnown = typeof bytesRead === 'number' && typeof bytesStored === 'number' && bytesRead > 0;
  return {
    ...{ id, timestampMs: Date.parse(startedAt), rows },
    sizeBytes: artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0),
    changedShare: isKnown ? Math.min(1, (bytesStored as number) / (bytesRead as number)) : null,
  };
}

interface Measured extends RetentionCandidate {
  readonly measure: BackupMeasure;
}

/** Groups whose newest good backup is unlike the rest; with `acceptAnomalies` they are remembered as accepted instead. */
export async function pausedGroups(
  candidates: readonly Measured[],
  { acceptAnomalies = false, dryRun, stateFolder }: PauseRequest,
  repositoryId: string,
): Promise<PausedGroup[]> {
  const accepted = await readAccepted(stateFolder, repositoryId);
  const good = candidates.filter((one) => one.complete && one.status === 'succeeded' && !isApart(one));
  const paused: PausedGroup[] = [];
  const now: Record<string, number> = { ...accepted };
  for (const [key, group] of Map.groupBy(good, keyOf)) {
    const measures = group.map(({ measure }) => measure);
    const found = findAnomalies(measures, accepted[key] ?? -Infinity);
    const newest = Math.max(...measures.map(({ timestampMs }) => timestampMs));
    const last = found.filter(({ timestampMs }) => timestampMs === newest).at(-1);
    // Backups that are again as they always were: the odd one out is looked after by the usual rules.
    if (!last) continue;
    if (acceptAnomalies) now[key] = newest;
    else {
      const { plan, tenantId, type } = group[0]!;
      paused.push({ plan, tenantId, type, ...last });
    }
  }
  if (acceptAnomalies && !dryRun) await writeAccepted(stateFolder, repositoryId, now);
  return paused;
}

export function tellPaused(paused: readonly PausedGroup[], { warn }: Pick<Progress, 'warn'>): void {
  for (const { plan, text } of paused) {
    warn(`retention of ${plan ?? 'backups without a plan'} is paused: ${text}`);
  }
}

/** What would go stays. */
export function withPause<T extends RetentionCandidate>(
  decision: RetentionDecision<T>,
  paused: readonly PausedGroup[],
): RetentionDecision<T> {
  const group = paused.find((one) => isSameGroup(one, decision.backup));
  if (decision.action === 'keep' || !group) return decision;
  const text = `retention is paused: of the newest backup, ${group.text}`;
  return { backup: decision.backup, action: 'keep', reasons: [{ code: 'paused', text }] };
}

const fileOf = (stateFolder: string, repositoryId: string) =>
  join(stateFolder, `accepted-${repositoryId}.json`);

/** Unreadable is not accepted. */
async function readAccepted(
  stateFolder: string | undefined,
  repositoryId: string,
): Promise<Readonly<Record<string, number>>> {
  if (stateFolder === undefined) return {};
  try {
    const read: unknown = JSON.parse(await readFile(fileOf(stateFolder, repositoryId), 'utf8'));
    return typeof read === 'object' && read !== null ? (read as Record<string, number>) : {};
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return {};
    throw error;
  }
}

async function writeAccepted(
  stateFolder: string | undefined,
  repositoryId: string,
  accepted: Readonly<Record<string, number>>,
): Promise<void> {
  if (stateFolder === undefined) return;
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  await writeFile(fileOf(stateFolder, repositoryId), JSON.stringify(accepted), { mode: 0o600 });
}
