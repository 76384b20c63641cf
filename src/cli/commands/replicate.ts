import type { Command } from 'commander';
import type { ReplicatePayload } from '../../contracts/cli-payloads.ts';
import { partsOf } from '../../contracts/config-destinations.ts';
import { nearest } from '../../contracts/suggest.ts';
import { EXIT, HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { specOfDestination } from '../destination-specs.ts';
import type {
  DestinationSpec,
  ReplicatedBackup,
  ReplicatedTo,
  ReplicateOutcome,
  ReplicateRequest,
} from '../engine-door.ts';
import { formatCount, formatSize, formatTime, printable } from '../format.ts';
import { loadEngine, withProgress } from '../open-engine.ts';
import { failurePayload, renderFailures } from '../render-copies.ts';
import { type LoadedConfig, loadConfig } from '../settings.ts';

interface ReplicateOptions {
  readonly from?: string;
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly readAll?: boolean;
}

export function addReplicate(program: Command, action: Action): void {
  program
    .command('replicate')
    .description('copy what is missing between destinations, without reading the sources')
    .argument('[plan]', 'a plan with several destinations; default: all of them')
    .option('--from <name>', 'copy from this destination')
    .option('--to <name>', 'copy to this destination')
    .option('--dry-run', 'only show what would be copied')
    .option('--read-all', 'read every byte at the source again and compare every SHA-256')
    .addHelpText(
      'after',
      `
A copy is the same backup under the same id, sealed with the key of its destination and signed by this
host. What retention at the target would remove, or has removed, is not copied. An interrupted run goes
on where it ended. Every chunk read is checked; with --read-all also those that the target has already.
${examples('holdfast replicate', 'holdfast replicate nightly --dry-run', 'holdfast replicate --from main --to offsite')}`,
    )
    .action(action(replicate));
}

async function replicate(
  cli: Cli,
  plan: string | undefined,
  options: ReplicateOptions,
): Promise<CommandResult> {
  const loaded = await loadConfig(cli.io, cli.options);
  if (!loaded)
    throw new HoldfastError(
      'config_missing',
      'destinations are copied between as a configuration names them',
    );
  const requests = await requestsOf(cli, loaded, plan, options);
  const { replicateBetween } = await loadEngine(cli);
  const outcomes: ReplicateOutcome[] = [];
  for (const request of requests) {
    outcomes.push(
      await withProgress(cli, (progress) => replicateBetween(request, { progress, signal: cli.signal })),
    );
  }
  const dryRun = options.dryRun === true;
  const destinations = merged(outcomes.flatMap((outcome) => outcome.destinations));
  const json: ReplicatePayload = {
    dryRun,
    ok: destinations.every((one) => statusOf(one, dryRun) === 'complete'),
    destinations: destinations.map((one) => payloadOf(one, dryRun)),
  };
  const text = renderReplicate(
    destinations,
    dryRun,
    new Set(outcomes.flatMap(({ down }) => down.map(({ destination }) => destination))),
  );
  const isRefused = destinations.some(({ leftOut }) => leftOut.some(({ reason }) => reason === 'region'));
  const isWrong = dryRun ? destinations.some(({ isKnown }) => !isKnown) : !json.ok;
  return { json, text, exitCode: isWrong ? EXIT.copyMissing : isRefused ? EXIT.usage : EXIT.ok };
}

/** One for each set of destinations that hold the same: of one plan, of all, or the two that are named. */
async function requestsOf(
  cli: Cli,
  loaded: LoadedConfig,
  plan: string | undefined,
  { from, to, dryRun, readAll }: ReplicateOptions,
): Promise<ReplicateRequest[]> {
  const common = { dryRun: dryRun === true, readsAll: readAll === true };
  const specs = new Map<string, DestinationSpec>();
  const specOf = async (name: string) => {
    const known = specs.get(name) ?? (await specOfDestination(cli, loaded, name));
    specs.set(name, known);
    return known;
  };
  if (plan !== undefined) refuseUnknown(loaded, plan);
  if (from !== undefined && to !== undefined) {
    const filter = plan === undefined ? {} : { plan };
    return [{ ...common, ...filter, from: [await specOf(from)], to: [await specOf(to)] }];
  }
  if (from !== undefined || to !== undefined) {
    throw new HoldfastError('usage', `${from === undefined ? '--from' : '--to'} is missing`, {
      next: 'name both, or a plan',
    });
  }
  const requests: ReplicateRequest[] = [];
  for (const [name, config] of Object.entries(loaded.config.plans)) {
    if (plan !== undefined && name !== plan) continue;
    for (const { destinations, apart } of partsOf(loaded.config, config)) {
      if (!destinations || destinations.length < 2) continue;
      const all = await Promise.all(destinations.map((one) => specOf(one.name)));
      requests.push({ ...common, plan: name, apart, from: all, to: all });
    }
  }
  if (requests.length > 0) return requests;
  throw new HoldfastError(
    'usage',
    `${plan === undefined ? 'no plan' : `the plan ${plan}`} has several destinations`,
    {
      next: 'give a plan destinations: [one, two], or name two with --from and --to',
    },
  );
}

function refuseUnknown(loaded: LoadedConfig, plan: string): void {
  const known = Object.keys(loaded.config.plans);
  if (known.includes(plan)) return;
  const meant = nearest(plan, known);
  throw new HoldfastError('usage', `${loaded.file} has no plan ${plan}`, {
    next: meant === null ? `it has: ${known.join(', ') || 'none'}` : `did you mean ${meant}?`,
  });
}

/** A destination of several plans once, with what became of each. */
function merged(destinations: readonly ReplicatedTo[]): ReplicatedTo[] {
  const found = new Map<string, ReplicatedTo>();
  for (const one of destinations) {
    const before = found.get(one.name);
    if (!before) found.set(one.name, one);
    else {
      found.set(one.name, {
        ...one,
        copied: [...before.copied, ...one.copied],
        storedBytes: before.storedBytes + one.storedBytes,
        missing: [...before.missing, ...one.missing],
        leftOut: [...before.leftOut, ...one.leftOut],
        failures: [...before.failures, ...one.failures],
        isKnown: before.isKnown && one.isKnown,
      });
    }
  }
  return [...found.values()];
}

function statusOf(
  { isKnown, missing, copied, failures }: ReplicatedTo,
  dryRun: boolean,
): 'complete' | 'missing' | 'unknown' {
  if (!isKnown) return 'unknown';
  return missing.length + failures.length > 0 || (dryRun && copied.length > 0) ? 'missing' : 'complete';
}

function payloadOf(one: ReplicatedTo, dryRun: boolean): ReplicatePayload['destinations'][number] {
  const { name, address, copied, storedBytes, missing, leftOut, failures } = one;
  return {
    ...{ destination: name, address, status: statusOf(one, dryRun), storedBytes },
    copied: copied.map(backupPayload),
    missing: missing.map(backupPayload),
    leftOut: leftOut.map((backup) => ({
      ...backupPayload(backup),
      reason: backup.reason,
      text: backup.text,
    })),
    failures: failures.map(failurePayload),
  };
}

function backupPayload({ id, plan, tenantId, type, timestampMs, sizeBytes }: ReplicatedBackup) {
  return { id, plan, tenantId, type, timestamp: new Date(timestampMs).toISOString(), sizeBytes };
}

/** Exported for its test. */
export function renderReplicate(
  destinations: readonly ReplicatedTo[],
  dryRun: boolean,
  down: ReadonlySet<string>,
): string {
  const lines = destinations.map((one) => {
    const { name, copied, storedBytes, missing, leftOut, failures } = one;
    const came =
      copied.length > 0
        ? [
            `${formatCount(copied.length, 'backup')} ${dryRun ? 'to be copied' : `copied, new ${formatSize(storedBytes)}`}`,
          ]
        : [];
    const state = {
      complete: 'complete',
      unknown: 'NOT REACHED',
      missing:
        missing.length > 0
          ? `COPY MISSING, ${formatCount(missing.length, 'backup')}`
          : dryRun
            ? ''
            : 'NOT COMPLETE',
    };
    const refused = leftOut.filter(({ reason }) => reason === 'region');
    const region = [...new Set(refused.map(({ text }) => `    REFUSED: ${printable(text)}\n`))];
    const left =
      leftOut.length > 0 ? [`${formatCount(leftOut.length, 'backup')} left out by retention or region`] : [];
    const head = [state[statusOf(one, dryRun)], ...came, ...left].filter(Boolean).join(', ');
    const shown = (dryRun ? copied : missing).map(
      (backup) => `    ${backup.id}  ${formatTime(backup.timestampMs)}  ${printable(backup.plan ?? '')}\n`,
    );
    return `${printable(name)}: ${head}\n${[...shown, ...region].join('')}${renderFailures(failures)}`;
  });
  const sources = [...down].filter((name) => !destinations.some((one) => one.name === name));
  return [
    ...lines,
    ...sources.map((name) => `${printable(name)}: NOT REACHED, nothing was copied from it\n`),
  ].join('');
}
