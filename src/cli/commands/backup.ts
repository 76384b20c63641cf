import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import type { BackupPart, BackupPayload } from '../../contracts/cli-payloads.ts';
import type { PlanConfig } from '../../contracts/config.ts';
import { regionRefusal } from '../../contracts/config-destinations.ts';
import { type BackupType, isOfType, typeOfKinds } from '../../engine/base/backup-type.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import type { SourceSpec } from '../../engine/index.ts';
import { type ChosenPlan, choosePlan } from '../choose-plan.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { type PlacedPart, placedParts } from '../destination-specs.ts';
import type {
  BackupOutcome,
  BackupProfile,
  BackupRequest,
  BackupWithCopies,
  DestinationSpec,
} from '../engine-door.ts';
import { failureOf } from '../failure.ts';
import { formatCount, formatDuration, formatSize, printable } from '../format.ts';
import { mask } from '../mask.ts';
import { loadEngine, withEngine, withProgress } from '../open-engine.ts';
import { copyStatusPayload, renderCopies } from '../render-copies.ts';
import { renderProfile } from '../render-profile.ts';
import { withHooks } from '../run-hooks.ts';

export interface BackupOptions {
  readonly type?: BackupType;
  readonly tenantId?: string;
  readonly profile?: boolean;
}

export function addBackup(program: Command, action: Action): void {
  program
    .command('backup')
    .description('back up a plan of the configuration, or the sources named here')
    .argument('[plan-or-source...]', 'a plan, or paths and postgres:// addresses')
    .addOption(
      new Option('--type <type>', 'only databases, only files, or both').choices(['db', 'storage', 'full']),
    )
    .option('--tenant-id <id>', 'the tenant whose plan is meant, or whom what is named here belongs to')
    .option('--profile', 'also show where the time went')
    .addHelpText(
      'after',
      `
A file is taken for an SQLite database when its header says so, whatever its name. A database is copied
at one moment while it is in use. A name that is both a plan and a path means the plan; write ./name for
the path. Without a configuration the repository is made in the data folder, with a new key.
${examples(
  'holdfast backup ./app.db ./uploads postgres://app@localhost/orders',
  'holdfast backup nightly',
  'holdfast backup nightly --type db --json',
)}`,
    )
    .action(action(backup));
}

async function backup(cli: Cli, args: string[], options: BackupOptions): Promise<CommandResult> {
  return (await makeBackup(cli, args, options)).result;
}

/** A run of a plan or of named sources, hooks included: what was chosen, what was made, and what there is to say. */
export async function makeBackup(
  cli: Cli,
  args: readonly string[],
  options: BackupOptions,
): Promise<{ readonly chosen: ChosenPlan; readonly made: BackupPayload; readonly result: CommandResult }> {
  const chosen = await choosePlan(cli, args, options);
  await warnAboutKeys(cli, chosen);
  const parts = await partsOfRun(cli, chosen, options);
  const { result, failedHooks } = await withHooks(cli, {
    hooks: chosen.plan?.hooks,
    plan: chosen.name,
    tenantId: parts[0]?.request.tenantId ?? null,
    endOf: ({ made, exitCode }) => ({
      status: exitCode === EXIT.incomplete ? 'incomplete' : made.status,
      backupId: made.backupId,
      errorCode: null,
    }),
    work: () => runParts(cli, chosen, parts, options.profile === true),
  });
  const hookProblems = failedHooks.map((error) => failureOf(error, false));
  const made: BackupPayload = {
    ...result.made,
    ...(hookProblems.length > 0 && {
      hookProblems: hookProblems.map(({ code, message, next }) => ({ code, message, next })),
    }),
  };
  const text = [result.text, ...hookProblems.map(({ message }) => `HOOK FAILED: ${message}\n`)].join('');
  const exitCode = hookProblems.length > 0 ? worst([result.exitCode, EXIT.incomplete]) : result.exitCode;
  return { chosen, made, result: { json: made, text, exitCode } };
}

async function runParts(cli: Cli, chosen: ChosenPlan, parts: readonly RunPart[], profiled: boolean) {
  const done: PartResult[] = [];
  for (const part of parts) {
    done.push(
      await runPart(cli, chosen, part).then(
        ({ profile, ...outcome }) => ({
          part,
          outcome: profiled && profile ? { ...outcome, profile } : outcome,
        }),
        (error: unknown) => ({ part, error }),
      ),
    );
    cli.signal.throwIfAborted();
  }
  const [own, ...others] = done;
  if (own === undefined || 'error' in own) {
    for (const one of others) if ('outcome' in one) cli.note(renderBackupOutcome(one.outcome).trimEnd());
    throw own?.error;
  }
  const made: BackupPayload = {
    ...payloadOf(own),
    ...(others.length > 0 ? { parts: others.map(partPayload) } : {}),
  };
  return { made, text: done.map(renderPart).join(''), exitCode: worst(done.map(exitCodeOf)) };
}

/** One backup that a run makes. */
interface RunPart {
  readonly request: BackupRequest;
  /** None: the repository of the data folder, or one address for everything. */
  readonly specs: readonly DestinationSpec[];
  /** Sources of the plan that go to other places. */
  readonly apart?: readonly string[];
}

type Outcome = BackupOutcome | BackupWithCopies;
type PartResult = { readonly part: RunPart } & ({ readonly outcome: Outcome } | { readonly error: unknown });

async function partsOfRun(cli: Cli, chosen: ChosenPlan, options: BackupOptions): Promise<RunPart[]> {
  const { plan, loaded, name, sources } = chosen;
  const tenantId = options.tenantId ?? plan?.tenantId ?? null;
  const type = options.type ?? plan?.type ?? typeOfKinds(sources.map(({ kind }) => kind));
  if (!plan || !loaded) {
    return [{ request: { sources, plan: name ?? adHocPlan(sources), tenantId, type }, specs: [] }];
  }
  const placed = await placedParts(cli, loaded, plan);
  refuseRegions(name!, plan, placed);
  const parts = placed.flatMap(({ sources: names, specs, apart }): RunPart[] => {
    const own = sources.filter((source) => names.includes(source.name));
    if (own.length === 0) return [];
    const ownType = placed.length > 1 && type === 'full' ? typeOfKinds(own.map(({ kind }) => kind)) : type;
    return [{ request: { sources: own, plan: name, tenantId, type: ownType }, specs, apart }];
  });
  return parts;
}

/** Before anything is read: data of a plan does not leave its regions, not even by an address on the command line. */
function refuseRegions(name: string, plan: PlanConfig, parts: readonly PlacedPart[]): void {
  for (const spec of parts.flatMap(({ specs }) => specs)) {
    const refusal = regionRefusal(plan.regions, spec.region);
    if (refusal === null) continue;
    throw new HoldfastError('region_refused', `the destination ${spec.name} of plan ${name} ${refusal}`);
  }
}

async function runPart(
  cli: Cli,
  { plan }: ChosenPlan,
  { request, specs, apart = [] }: RunPart,
): Promise<Outcome> {
  if (specs.length === 0)
    return withEngine(cli, plan, (engine) => engine.backup(request), { createDefault: true });
  const { backupToAll } = await loadEngine(cli);
  return withProgress(cli, (progress) =>
    backupToAll({ ...request, apart }, specs, { progress, signal: cli.signal }),
  );
}

/** Says when keys go to the same place as the databases they open. */
async function warnAboutKeys(cli: Cli, { name, plan, loaded, sources }: ChosenPlan): Promise<void> {
  const { keysBesideData, looksSecret, renderKeysBesideData } = await import(
    '../../contracts/key-separation.ts'
  );
  if (plan && loaded) {
    for (const found of keysBesideData(loaded.config)) {
      const isOwn = plan.sources.some(
        (source) => found.secretSources.includes(source) || found.databases.includes(source),
      );
      if (isOwn) cli.note(`warning: plan ${name}: ${renderKeysBesideData(found)}`);
    }
    return;
  }
  const secrets = sources
    .filter((one) => one.kind === 'files' && one.paths.some(looksSecret))
    .map((one) => one.name);
  const databases = sources.filter(({ kind }) => isOfType(kind, 'db')).map((one) => one.name);
  if (secrets.length === 0 || databases.length === 0) return;
  cli.note(
    `warning: ${secrets.join(', ')} may hold keys and goes to the same place as ${databases.join(', ')}: whoever opens it has both`,
  );
}

function payloadOf({ part, outcome }: PartResult & { readonly outcome: Outcome }): BackupPayload {
  const { plan, tenantId, type } = part.request;
  const { backupId, status, bytesRead, bytesStored, durationMs, artifacts, problems } = outcome;
  return {
    ...{ backupId, status, plan, tenantId, type, bytesRead, bytesStored, durationMs },
    artifacts: artifacts.map(({ name, kind, sizeBytes, sha256 }) => ({ name, kind, sizeBytes, sha256 })),
    problems: problems.map(({ artifact, path, cause, message }) => ({ artifact, path, cause, message })),
    ...(outcome.profile ? { profile: profilePayload(outcome.profile) } : {}),
    ...('copies' in outcome
      ? { destination: outcome.destination, copies: outcome.copies.map(copyStatusPayload) }
      : {}),
  };
}

function profilePayload({ durationMs, workers, stages }: BackupProfile): BackupPayload['profile'] {
  const rounded = Object.entries(stages).map(([stage, ms]) => [stage, Math.round(ms)]);
  return { durationMs, workers, stages: Object.fromEntries(rounded) };
}

function partPayload(result: PartResult): BackupPart {
  if ('outcome' in result) return payloadOf(result);
  const { code, message, next } = failureOf(result.error, false);
  const sources = result.part.request.sources.map(({ name }) => name);
  return { status: 'failed', sources, error: { code, message, next } };
}

function renderPart(result: PartResult): string {
  if ('outcome' in result) return renderBackupOutcome(result.outcome);
  const { message, next } = failureOf(result.error, false);
  const sources = result.part.request.sources.map(({ name }) => printable(name)).join(', ');
  return `NO BACKUP of ${sources}: ${message}\n  next: ${next}\n`;
}

/** What could not be read weighs more than a copy that is missing. */
const worst = (codes: readonly number[]) =>
  [EXIT.incomplete, EXIT.copyMissing].find((code) => codes.includes(code)) ?? EXIT.ok;

/** A part without a backup is a run that is not complete. */
function exitCodeOf(result: PartResult): number {
  if ('error' in result || result.outcome.status === 'incomplete') return EXIT.incomplete;
  return result.outcome.status === 'copy-missing' ? EXIT.copyMissing : EXIT.ok;
}

/**
 * The plan a backup of named sources belongs to, so that retention compares like with like: the names of the
 * sources and a short hash of host and full addresses. The same command gives the same plan again; two folders
 * that share a name do not push each other out. A password is no part of it.
 */
export function adHocPlan(sources: readonly SourceSpec[], host = hostname()): string {
  const places = sources.map((source) => {
    if (source.kind === 'files') return `files ${source.paths.join(' ')}`;
    if (source.kind === 'sqlite') return `sqlite ${source.path}`;
    if (source.kind === 'command') return `command ${source.command}`;
    return `postgres ${mask(source.url).replace(':***@', '@').replace('password=***', '')}`;
  });
  const hash = createHash('sha256')
    .update(JSON.stringify([host, places.sort()]))
    .digest('hex');
  const names = sources.map(({ name }) => name).sort();
  return `${names.join('+')}@${hash.slice(0, 6)}`;
}

const STATUS: Readonly<Record<BackupWithCopies['status'], string>> = {
  succeeded: 'succeeded',
  incomplete: 'is incomplete',
  'copy-missing': 'is stored, but a copy is missing',
};

/** Exported for its test. */
export function renderBackupOutcome(outcome: BackupOutcome | BackupWithCopies): string {
  const read = outcome.bytesRead;
  // Of a few bytes the seals and the manifest are a multiple, which tells nobody anything.
  const share =
    read > 0 && outcome.bytesStored <= read * 1.5
      ? `, ${((outcome.bytesStored / read) * 100).toFixed(1)}% of it`
      : '';
  const artifacts = outcome.artifacts.map(
    ({ name, kind, sizeBytes }) => `  ${printable(name)}  ${kind}  ${formatSize(sizeBytes)}\n`,
  );
  const problems = outcome.problems.map(
    ({ artifact, path, message }) =>
      `  ${printable([artifact, path].filter((part) => part).join('/'))}: ${printable(message)}\n`,
  );
  const status = STATUS[outcome.status];
  const copies = 'copies' in outcome ? renderCopies(outcome.copies) : '';
  return [
    `backup ${outcome.backupId} ${status}\n`,
    ...artifacts,
    `read ${formatSize(read)}, new ${formatSize(outcome.bytesStored)}${share}, in ${formatDuration(outcome.durationMs)}\n`,
    copies,
    ...(outcome.profile ? [renderProfile(outcome.profile)] : []),
    ...(problems.length > 0
      ? [`${formatCount(problems.length, 'entry', 'entries')} could not be read:\n`, ...problems]
      : []),
  ].join('');
}
