/** The checks of the plan, in the order they are written. */
import type { OperationContext } from '../context.ts';
import { checkApplication, checkCommand, type Stage } from './check-application.ts';
import { checkSql } from './check-sql.ts';
import type { DrillFolder } from './drill-folder.ts';
import type { CheckResult, DrillRequest, KeptState } from './drill-types.ts';
import type { PhaseClock } from './phase-clock.ts';
import type { RestoredState } from './restore-all.ts';
import { openSandbox, openWorld, type Sandbox } from './sandbox.ts';

export interface RunningChecks {
  readonly context: OperationContext;
  readonly request: DrillRequest;
  readonly state: RestoredState;
  readonly folder: DrillFolder;
  readonly clock: PhaseClock;
}

export async function runChecks(
  run: RunningChecks,
): Promise<{ readonly checks: readonly CheckResult[]; readonly surroundings: readonly string[] }> {
  const { context, request, state, clock } = run;
  const { checks } = request.settings;
  const results: CheckResult[] = [];
  const stage = checks.some(({ kind }) => kind !== 'sql') ? await stageOf(run) : null;
  for (const check of checks) {
    context.signal.throwIfAborted();
    context.progress.phase(`check ${check.name}`, {});
    if (check.kind === 'sql') {
      clock.enter('checks');
      results.push(await checkSql(check, state, context.signal));
    } else if (request.settings.network === 'required-none' && !stage!.sandbox.hasNoNetwork) {
      results.push({
        name: check.name,
        kind: check.kind,
        status: 'red',
        detail: stage!.sandbox.description,
        durationMs: 0,
      });
    } else if (check.kind === 'command') results.push(...(await checkCommand(check, stage!)));
    else results.push(...(await checkApplication(check, stage!)));
  }
  clock.leave();
  return { checks: results, surroundings: stage ? [stage.sandbox.description] : [] };
}

async function stageOf({ context, request, state, folder, clock }: RunningChecks): Promise<Stage> {
  const { databases, paths } = await keptStateOf(state, folder);
  const names = Object.keys(databases);
  const environment: Record<string, string> = { HOLDFAST_DRILL_FOLDER: folder.restoredFolder };
  if (names.length === 1) environment.DATABASE_URL = databases[names[0]!]!;
  for (const name of names) environment[`DATABASE_URL_${variableOf(name)}`] = databases[name]!;
  for (const [name, path] of Object.entries(paths)) environment[`RESTORED_${variableOf(name)}`] = path;
  return {
    ...{ folder, environment, sources: request.sources, clock, signal: context.signal },
    sandbox: await sandboxOf(request, folder),
    places: new Map([...Object.entries(paths), ...Object.entries(databases)]),
  };
}

function sandboxOf({ settings, sources }: DrillRequest, folder: DrillFolder): Promise<Sandbox> | Sandbox {
  if (settings.network === 'open') return openWorld('the plan says so');
  if (settings.postgresServer !== null) return openWorld('the scratch database is on a named server');
  return openSandbox(sources, folder.path);
}

const variableOf = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');

/** What was restored, by name: sources and artifacts. */
export async function keptStateOf(state: RestoredState, folder: DrillFolder): Promise<KeptState> {
  const databases: Record<string, string> = {};
  for (const { source, database } of [...state.dumps, ...state.scripts, ...state.exports]) {
    databases[source] = await database.applicationUrl();
  }
  const paths: Record<string, string> = {};
  const files = [...state.databases, ...state.trees, ...state.files];
  const perSource = Map.groupBy(files, ({ artifact }) => artifact.source);
  for (const { artifact, path } of files) {
    paths[artifact.name] = path;
    if (perSource.get(artifact.source)!.length === 1) paths[artifact.source] ??= path;
  }
  return { folder: folder.restoredFolder, databases, paths };
}
