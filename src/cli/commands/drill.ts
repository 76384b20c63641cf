import { join } from 'node:path';
import type { Command } from 'commander';
import type { DrillPayload } from '../../contracts/drill-payload.ts';
import { asHoldfastError, EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import type { ChosenDrill } from '../drill-request.ts';
import type { DestinationSpec, DrillOutcome, DrillRequest, Engine, KeptState } from '../engine-door.ts';
import { printable } from '../format.ts';
import { mask } from '../mask.ts';
import { loadEngine, withProgress } from '../open-engine.ts';
import type { ProgressView } from '../progress/progress-view.ts';
import { renderDrill, reportPayload } from '../render-drill.ts';
import { homeFolder } from '../settings.ts';

interface DrillOptions {
  readonly backup?: string;
  readonly keep?: boolean;
  readonly untrusted?: boolean;
}

export function addDrill(program: Command, action: Action): void {
  program
    .command('drill')
    .description(
      'rehearse a recovery in a throwaway place and check everything; exit 0 only when all is green',
    )
    .argument('[plan]', 'a plan of the configuration; its newest backup is restored')
    .option('--backup <id>', 'another backup than the newest')
    .option('--keep', 'keep the restored state to look at, until Ctrl-C')
    .option('--untrusted', 'load dumps as a role that can do nothing else')
    .addHelpText(
      'after',
      `
Restored are all databases, files and keys of the plan together: PostgreSQL into a throwaway server made from the
programs of this machine, the rest into a private folder. Content is compared row by row and byte by byte, then the
plan's own checks run: drill in holdfast.yaml, see docs/drills.md. Nothing of it is left.
${examples('holdfast drill', 'holdfast drill nightly --backup 0193a', 'holdfast drill nightly --keep')}`,
    )
    .action(action(drill));
}

async function drill(cli: Cli, plan: string | undefined, options: DrillOptions): Promise<CommandResult> {
  const { chooseDrill } = await import('../drill-request.ts');
  const chosen = await chooseDrill(cli, plan);
  const engines: Engine[] = [];
  const outcome = await withProgress(cli, async (progress) => {
    try {
      return await run(cli, chosen, options, progress, engines);
    } finally {
      for (const engine of engines) await engine.close();
    }
  });
  const json = payloadOf(outcome);
  const kept = `evidence: ${printable(outcome.pageFile)}\n          ${printable(outcome.documentFile)}\n`;
  const missing = outcome.notStored.map(
    (why) => `warning: the evidence is not beside the backups: ${printable(why)}\n`,
  );
  return {
    json,
    text: `${renderDrill(outcome.report)}${kept}${missing.join('')}`,
    exitCode: outcome.report.result === 'green' ? EXIT.ok : EXIT.failed,
  };
}

async function run(
  cli: Cli,
  chosen: ChosenDrill,
  options: DrillOptions,
  progress: ProgressView,
  engines: Engine[],
): Promise<DrillOutcome> {
  const { plan, tenantId, specs, others, request } = chosen;
  const open = async (places: readonly DestinationSpec[]) => {
    const engine = await firstThatOpens(cli, places, progress);
    engines.push(engine);
    return engine;
  };
  let engine: Engine;
  const also: DrillRequest['also'][number][] = [];
  try {
    engine = await open(specs);
    for (const part of others) {
      const { copyPlace } = await open(part.specs);
      also.push({ copyPlace, sources: part.sources });
    }
  } catch (error) {
    if (cli.signal.aborted) throw new HoldfastError('interrupted');
    const { failedDrill } = await loadEngine(cli);
    const home = homeFolder(cli.io);
    const known = { stateFolder: join(home, 'state'), signingKeyFile: join(home, 'signing-key.pem') };
    return failedDrill({ ...known, plan, tenantId, destination: specs[0]!.address, error });
  }
  const outcome = await engine.drill({
    ...request,
    ...{ backupId: options.backup ?? 'latest', plan, also, untrusted: options.untrusted === true },
    ...(options.keep ? { onKept: (state: KeptState) => keep(cli, state) } : {}),
  });
  const { openEngine, storeAtCopies } = await loadEngine(cli);
  const opened = async (spec: DestinationSpec) =>
    openEngine({ ...(await spec.options()), progress, signal: cli.signal });
  const told = await storeAtCopies(outcome, { specs, drilled: engine, open: opened });
  return { ...told, notStored: told.notStored.map(mask) };
}

/** The first that answers: what it holds is what is drilled, and damage there is the drill's finding. */
async function firstThatOpens(
  cli: Cli,
  specs: readonly DestinationSpec[],
  progress: ProgressView,
): Promise<Engine> {
  const { openEngine } = await loadEngine(cli);
  let first: unknown = null;
  for (const spec of specs) {
    try {
      const engine = await openEngine({ ...(await spec.options()), progress, signal: cli.signal });
      for (const warning of engine.warnings) progress.warn(mask(warning));
      return engine;
    } catch (error) {
      if (cli.signal.aborted) throw error;
      first ??= error;
      if (specs.length > 1)
        progress.warn(`${spec.name} is passed over: ${mask(asHoldfastError(error).message)}`);
    }
  }
  throw first;
}

/** Passwords in the addresses are of this drill alone, and gone with it. */
async function keep(cli: Cli, state: KeptState): Promise<void> {
  const lines = [
    `restored files: ${state.folder}`,
    ...Object.entries(state.databases).map(([source, url]) => `database of ${source}: ${url}`),
    'press Ctrl-C to remove everything',
  ];
  cli.io.stderr(lines.map((line) => `${line}\n`).join(''));
  if (cli.signal.aborted) return;
  // A signal alone does not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  await new Promise<void>((resolve) => cli.signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(alive);
}

function payloadOf({
  report,
  fingerprint,
  documentFile,
  pageFile,
  storedAt,
  notStored,
}: DrillOutcome): DrillPayload {
  return {
    ...reportPayload(report),
    evidence: { fingerprint, document: documentFile, page: pageFile, storedAt, notStored },
  };
}
