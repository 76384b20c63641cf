import { ERRORS, type ErrorCode, EXIT, HoldfastError } from '../engine/base/errors.ts';
import type { Cli } from './cli.ts';
import { copySets, setsFor, specsOf } from './copy-sets.ts';
import { specOfAddress, specOfDestination } from './destination-specs.ts';
import type { DestinationSpec, DoneAt, Engine } from './engine-door.ts';
import { printable } from './format.ts';
import { loadEngine, withEngine, withProgress } from './open-engine.ts';
import { chooseDestination, loadConfig } from './settings.ts';

type RulesOf = DestinationSpec['rulesOf'];

/** What each destination answered; when there is one only, or one was named, its answer alone. */
export type Answers<T> = { readonly alone: T } | { readonly several: readonly DoneAt<T>[] };

/**
 * Does work at every destination of the configuration, or at the one that is named. `rulesOf` is the retention there. Throws
 * what the work throws at a single one, and the first failure when all of several fail.
 */
export async function atEach<T>(
  cli: Cli,
  work: (engine: Engine, rulesOf: RulesOf) => Promise<T>,
): Promise<Answers<T>> {
  const sets = await copySets(cli);
  if (sets === null) {
    const rulesOf = await rulesAlone(cli);
    return { alone: await withEngine(cli, null, (engine) => work(engine, rulesOf)) };
  }
  const specs = specsOf(sets);
  const rules = new Map(specs.map((spec) => [spec.name, spec.rulesOf]));
  const { eachDestination } = await loadEngine(cli);
  const several = await withProgress(cli, (progress) =>
    eachDestination(specs, { progress, signal: cli.signal }, (engine, name) =>
      work(engine, rules.get(name)!),
    ),
  );
  return { several };
}

async function rulesAlone(cli: Cli): Promise<RulesOf> {
  const loaded = await loadConfig(cli.io, cli.options);
  const destination = await chooseDestination(cli.io, cli.options, loaded, null);
  if (!loaded || destination.name === null) return specOfAddress(cli, loaded, destination).rulesOf;
  return (await specOfDestination(cli, loaded, destination.name)).rulesOf;
}

/** Does work with the nearest copy of one backup, or at the place that is named. */
export async function atNearest<T>(
  cli: Cli,
  id: string,
  work: (engine: Engine, id: string) => Promise<T>,
): Promise<T> {
  const sets = await copySets(cli);
  if (sets === null) return withEngine(cli, null, (engine) => work(engine, id));
  const specs = specsOf(setsFor(sets, id));
  const { withNearestCopy } = await loadEngine(cli);
  return withProgress(cli, (progress) =>
    withNearestCopy(specs, id, { progress, signal: cli.signal }, ({ engine, backupId }) =>
      work(engine, backupId),
    ),
  );
}

/**
 * Changes something about one backup wherever it lies: at every destination that holds it. Throws `id_unknown` when none
 * does, and the first failure when one that might hold it fails: then it is changed at the others.
 */
export async function atHolders(
  cli: Cli,
  id: string,
  work: (engine: Engine, id: string) => Promise<{ readonly backupId: string }>,
): Promise<{ readonly backupId: string }> {
  if ((await copySets(cli)) === null) return withEngine(cli, null, (engine) => work(engine, id));
  const found = await atNearest(cli, id, async (engine, whole) => (await engine.show(whole)).id);
  const answers = await atEach(cli, (engine) => work(engine, found));
  if ('alone' in answers) return answers.alone;
  for (const { destination, failure } of answers.several) {
    if (failure === null || failure.code === 'id_unknown') continue;
    throw new HoldfastError(
      failure.code as ErrorCode,
      `done, but not at ${destination}: ${failure.message}`,
      {
        next: failure.next,
      },
    );
  }
  return { backupId: found };
}

/** Lines for destinations that failed; empty when none did. */
export function renderDown(answers: readonly DoneAt<unknown>[]): string {
  return answers
    .flatMap(({ destination, failure }) =>
      failure
        ? [
            `${printable(destination)}: NOT DONE: ${printable(failure.message)}\n  next: ${printable(failure.next)}\n`,
          ]
        : [],
    )
    .join('');
}

/** A destination that failed is work that is not done; what is damaged there says more than that it was not. */
export function exitCodeOf(answers: readonly DoneAt<unknown>[]): number {
  const failures = answers.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  if (hasDamage(failures)) return EXIT.damaged;
  return failures.length > 0 ? EXIT.unreachable : EXIT.ok;
}

/** Whether one of these says that something stored is damaged. */
export const hasDamage = (failures: readonly { readonly code: string }[]): boolean =>
  failures.some(
    ({ code }) => Object.hasOwn(ERRORS, code) && EXIT[ERRORS[code as ErrorCode].exit] === EXIT.damaged,
  );
