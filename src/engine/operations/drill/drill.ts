/** The rehearsal of a recovery: a backup restored into a private place, compared, used, and thrown away again. */
import { hostname } from 'node:os';
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { type ChunkReader, openChunkReader } from '../../repository/chunk-reader.ts';
import { defaultDecoders } from '../../repository/decode-threads.ts';
import type { Manifest } from '../../repository/manifest.ts';
import type { ArtifactReader } from '../../sources/port.ts';
import type { OperationContext } from '../context.ts';
import { PROGRAM } from '../program.ts';
import { artifactReader } from '../restore.ts';
import { checkHoldings, checkManifests } from './check-holdings.ts';
import { compareContent } from './compare-content.ts';
import { DEFAULT_DRILL_ROOT, type DrillFolder, makeDrillFolder, removeLeftovers } from './drill-folder.ts';
import { neededBytes, requireDrillSpace } from './drill-space.ts';
import type {
  CheckResult,
  DrilledBackup,
  DrillFailure,
  DrillReport,
  DrillRequest,
  TrendPoint,
} from './drill-types.ts';
import { findBackup, findCompanion } from './find-backup.ts';
import { isLiveServer } from './never-production.ts';
import { type PhaseClock, phaseClock, recoveryMs } from './phase-clock.ts';
import { postgresPlace } from './postgres-place.ts';
import { newState, type RestoredState, restoreAll } from './restore-all.ts';
import { keptStateOf, runChecks } from './run-checks.ts';

/** What is known by the time a drill ends, however far it came. */
interface Findings {
  backup: DrilledBackup | null;
  tenantId: string | null;
  plan: string | null;
  isBack: boolean;
  readonly otherBackups: DrillReport['otherBackups'][number][];
  readonly checks: CheckResult[];
  readonly tables: { source: string; name: string; rows: number }[];
  readonly surroundings: string[];
  readonly limits: string[];
}

const TABLES_NAMED = 500;

/**
 * Rehearses a recovery and says how it went. A drill that cannot run is a red one, with the reason: this throws nothing
 * but `interrupted`. Whatever happens, nothing of it is left, unless the process is killed: then the next drill
 * removes what was left. `trendOf` gives earlier drills of a plan.
 */
export async function drill(
  context: OperationContext,
  request: DrillRequest,
  trendOf: (plan: string | null, tenantId: string | null) => Promise<readonly TrendPoint[]>,
): Promise<DrillReport> {
  const drillId = newId(context.clock.nowMs());
  const startedMs = context.clock.nowMs();
  const clock = phaseClock(context.clock);
  const found: Findings = {
    ...{ backup: null, tenantId: null, plan: request.plan, isBack: false },
    ...{ otherBackups: [], checks: [], tables: [], surroundings: [], limits: [] },
  };
  let failure: DrillFailure | null = null;
  try {
    await rehearse(context, request, drillId, clock, found);
  } catch (error) {
    if (context.signal.aborted)
      throw new HoldfastError('interrupted', 'the drill was interrupted, and nothing of it is left', {
        next: 'run it again',
      });
    const { code, message, next } = asHoldfastError(error);
    failure = { code, message, next };
  }
  clock.leave();
  const phases = clock.phases();
  const isGreen = failure === null && found.isBack && found.checks.every(({ status }) => status === 'green');
  return {
    ...{ version: 1, kind: 'drill', drillId, program: PROGRAM, host: hostname() },
    repositoryId: context.repository.id,
    destination: context.repository.storage.address,
    plan: found.plan,
    tenantId: found.tenantId,
    backup: found.backup,
    otherBackups: found.otherBackups,
    startedAt: new Date(startedMs).toISOString(),
    finishedAt: new Date(context.clock.nowMs()).toISOString(),
    result: isGreen ? 'green' : 'red',
    rtoMs: found.isBack ? recoveryMs(phases) : null,
    rpoMs: found.backup && ageOf([found.backup, ...found.otherBackups], startedMs),
    phases,
    checks: found.checks,
    failure,
    tables: found.tables.slice(0, TABLES_NAMED),
    moreTables: Math.max(0, found.tables.length - TABLES_NAMED),
    surroundings: found.surroundings,
    limits: found.limits,
    trend: await trendOf(found.plan, found.tenantId),
  };
}

/** One backup of the recovery, and what reads it. */
interface OpenedPart {
  readonly context: OperationContext;
  readonly manifest: Manifest;
  readonly chunks: ChunkReader;
  readonly reader: ArtifactReader;
}

async function rehearse(
  context: OperationContext,
  request: DrillRequest,
  drillId: string,
  clock: PhaseClock,
  found: Findings,
): Promise<void> {
  const { progress } = context;
  const root = request.settings.folder ?? DEFAULT_DRILL_ROOT;
  for (const { drillId: left } of await removeLeftovers(root)) {
    progress.warn(`removed what the interrupted drill ${left} had left`);
  }
  clock.enter('open');
  progress.phase('open', {});
  const parts = await openParts(context, request, found);
  try {
    const manifests = parts.map(({ manifest }) => manifest);
    found.checks.push(...checkManifests(manifests, request.expected));
    const { postgresServer } = request.settings;
    if (postgresServer !== null && isLiveServer(postgresServer, request.sources)) {
      throw new HoldfastError(
        'drill_impossible',
        'the server named for drills is one that the plan backs up',
        {
          next: 'name another server in drill.postgres, or none',
        },
      );
    }
    await requireDrillSpace(root, neededBytes(manifests, postgresServer === null));
    const folder = await makeDrillFolder(root, drillId);
    const postgres = postgresPlace(request.settings, folder, context.signal);
    try {
      const state = newState();
      for (const part of parts) await restoreAll({ ...part, request, folder, postgres, clock }, state);
      found.isBack = true;
      await lookAt({ context, request, clock, found, folder, parts }, state);
    } finally {
      found.surroundings.unshift(...postgres.surroundings);
      await postgres.close();
      await folder.remove();
    }
  } finally {
    for (const { chunks } of parts) chunks.close();
  }
}

async function openParts(
  context: OperationContext,
  request: DrillRequest,
  found: Findings,
): Promise<OpenedPart[]> {
  const main = await findBackup(context, request);
  noteBackup(found, main);
  const parts = [await openPart(context, main)];
  for (const { copyPlace, part, sources } of request.also) {
    if (part && main.artifacts.some(({ source }) => source === part.source)) continue;
    if (copyPlace.layout !== 'repository') {
      throw new HoldfastError('drill_impossible', 'a part of the plan lies on a destination of bundles', {
        next: 'drill it by itself, with --destination',
      });
    }
    const manifest = await findCompanion(copyPlace.context, main, { part, sources });
    const { id, startedAt, repositoryId } = manifest;
    found.otherBackups.push({ id, repositoryId, destination: copyPlace.storage.address, startedAt });
    parts.push(await openPart(copyPlace.context, manifest));
  }
  return parts;
}

async function openPart(context: OperationContext, manifest: Manifest): Promise<OpenedPart> {
  const { storage, keys } = context.repository;
  const index = await context.repository.loadIndex({ forReading: true });
  const chunks = openChunkReader({ storage, keys, index, threads: defaultDecoders() });
  return { context, manifest, chunks, reader: artifactReader(chunks) };
}

interface Looking {
  readonly context: OperationContext;
  readonly request: DrillRequest;
  readonly clock: PhaseClock;
  readonly found: Findings;
  readonly folder: DrillFolder;
  readonly parts: readonly OpenedPart[];
}

async function lookAt(looking: Looking, state: RestoredState): Promise<void> {
  const { context, request, clock, found, folder, parts } = looking;
  if (request.onRestored) await request.onRestored(await keptStateOf(state, folder));
  clock.enter('compare');
  const { scratchFolder } = folder;
  const compared = await compareContent({ context, parts, scratchFolder, state });
  found.tables.push(...compared.tables);
  found.checks.push(...compared.checks, ...checkHoldings(state, compared, request));
  clock.leave();
  const checked = await runChecks({ context, request, state, folder, clock });
  found.checks.push(...checked.checks);
  found.surroundings.push(...checked.surroundings);
  found.limits.push(...state.limits);
  if (request.settings.checks.every(({ kind }) => kind !== 'application')) {
    found.limits.push('no application was started against the restored state: the plan names none');
  }
  if (request.isTrial) found.limits.push('it was a trial, with other checks than those of the plan');
  clock.leave();
  if (request.onKept) await request.onKept(await keptStateOf(state, folder));
}

function noteBackup(found: Findings, { id, type, startedAt, artifacts, plan, tenantId }: Manifest): void {
  const sizeBytes = artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0);
  found.backup = { id, type, startedAt, sizeBytes };
  found.plan = plan;
  found.tenantId = tenantId;
}

/** Of the oldest part: the whole is only as new as that. */
function ageOf(backups: readonly { readonly startedAt: string }[], nowMs: number): number {
  return Math.max(0, ...backups.map(({ startedAt }) => nowMs - Date.parse(startedAt)));
}
