import { codeOf, ERRORS } from '../engine/base/errors.ts';
import type { NewEntry, Outcome } from '../server/ledger/local-ledger.ts';
import type { DestinationSpec, Engine, EngineModule, OpenEngineOptions } from './engine-door.ts';
import { accounts, moduleAccounts, type Told } from './ledger-accounts.ts';
import { mask, maskDeep } from './mask.ts';

/** A destination that something was written to: the heads of the ledger are put there, too. */
export type WrittenPlace = Pick<OpenEngineOptions, 'address' | 'storage'>;

/** What happens in a run and belongs into the ledger. */
export interface RunRecorder {
  add(entry: Omit<NewEntry, 'actor'>): void;
  wrote(place: WrittenPlace): void;
  /** For the manifest of a backup; never rejects. */
  ledgerHead(): Promise<string | null>;
  nowMs(): number;
  readonly signal: AbortSignal;
}

/** The same engine, and what is done with it is told to the recorder. Nothing else changes. */
export function recordedModule(module: EngineModule, recorder: RunRecorder): EngineModule {
  const wrap = (engine: Engine, place: WrittenPlace | null) => recordedEngine(engine, place, recorder);
  return {
    ...module,
    async openEngine(options) {
      const engine = wrap(await module.openEngine(options), options);
      if (options.create === 'always') {
        tell(
          recorder,
          { action: 'init', object: { kind: 'repository', id: engine.repositoryId }, detail: at(engine) },
          null,
        );
        recorder.wrote(options);
      }
      return engine;
    },
    async backupToAll(request, specs, port) {
      const given = { ...request, ledgerHead: recorder.ledgerHead };
      const outcome = await recorded(
        recorder,
        (result) => moduleAccounts.backupToAll(request, result),
        () => module.backupToAll(given, specs, port),
      );
      const lacking = outcome.copies
        .filter(({ status }) => status === 'missing')
        .map((copy) => copy.destination);
      await writtenTo(
        recorder,
        specs.filter(({ name }) => !lacking.includes(name)),
      );
      return outcome;
    },
    async replicateBetween(request, port) {
      const outcome = await recorded(
        recorder,
        (result) => moduleAccounts.replicateBetween(request, result),
        () => module.replicateBetween(request, port),
      );
      const written = outcome.destinations.filter(({ copied }) => copied.length > 0).map(({ name }) => name);
      if (!request.dryRun)
        await writtenTo(
          recorder,
          request.to.filter(({ name }) => written.includes(name)),
        );
      return outcome;
    },
    verifyAll: (request, port) =>
      recorded(
        recorder,
        (result) => moduleAccounts.verifyAll(request, result),
        () => module.verifyAll(request, port),
      ),
    eachDestination: (specs, port, work) =>
      module.eachDestination(specs, port, async (engine, destination) => {
        const spec = specs.find(({ name }) => name === destination);
        return work(wrap(engine, spec ? await placeOf(spec) : null), destination);
      }),
    withNearestCopy: (specs, text, port, work) =>
      module.withNearestCopy(specs, text, port, (copy) => work({ ...copy, engine: wrap(copy.engine, null) })),
    openBundle: (request) =>
      recorded(
        recorder,
        (result) => moduleAccounts.openBundle(request, result),
        () => module.openBundle(request),
      ),
    switchBack: (request) =>
      recorded(
        recorder,
        (result) => moduleAccounts.switchBack(request, result),
        () => module.switchBack(request),
      ),
    dropKept: (request) =>
      recorded(
        recorder,
        (result) => moduleAccounts.dropKept(request, result),
        () => module.dropKept(request),
      ),
    writeKit: (request) =>
      recorded(
        recorder,
        (result) => moduleAccounts.writeKit(request, result),
        () => module.writeKit(request),
      ),
  };
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;
type Account = (args: readonly unknown[], result: unknown) => Told | null;

function recordedEngine(engine: Engine, place: WrittenPlace | null, recorder: RunRecorder): Engine {
  const wrapped = Object.entries(accounts).flatMap(([name, account]) => {
    if (account === null) return [];
    const method = engine[name as keyof Engine] as unknown as Method;
    const tellOf = account as unknown as Account;
    const recording: Method = async (...args) => {
      const given = name === 'backup' ? [{ ...(args[0] as object), ledgerHead: recorder.ledgerHead }] : args;
      const told = (result: unknown) => {
        const one = tellOf(args, result);
        return one && { ...one, detail: { ...one.detail, ...at(engine) } };
      };
      const result = await recorded(recorder, told, () => method(...given));
      const one = told(result);
      if (place && one?.writes) recorder.wrote(place);
      return result;
    };
    return [[name, recording] as const];
  });
  return { ...engine, ...(Object.fromEntries(wrapped) as Partial<Engine>) };
}

const at = ({ address, repositoryId }: Engine) => ({
  destination: address,
  repository_id: repositoryId || null,
});

const placeOf = async (spec: DestinationSpec): Promise<WrittenPlace> => spec.options();

async function writtenTo(recorder: RunRecorder, specs: readonly DestinationSpec[]): Promise<void> {
  for (const spec of specs) recorder.wrote(await placeOf(spec));
}

/** Does the work and tells how it ended. What was not understood was not begun, and is not told. */
async function recorded<T>(
  recorder: RunRecorder,
  account: (result: T | null) => Told | null,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    const told = account(result);
    if (told) tell(recorder, told, null);
    return result;
  } catch (error) {
    const code = codeOf(error);
    const told = code !== null && ERRORS[code].exit === 'usage' ? null : account(null);
    if (told) tell(recorder, told, error);
    throw error;
  }
}

function tell(recorder: RunRecorder, told: Told, error: unknown): void {
  const detail = error === null ? told.detail : { ...told.detail, error: errorOf(error) };
  recorder.add({
    stream: told.stream ?? 'audit_vault',
    tenantId: told.tenantId ?? null,
    action: told.action,
    object: told.object && { kind: told.object.kind, id: told.object.id && mask(told.object.id) },
    outcome: error === null ? (told.outcome ?? 'succeeded') : failedAs(recorder, error),
    detail: maskDeep(detail),
    atMs: recorder.nowMs(),
  });
}

function failedAs({ signal }: RunRecorder, error: unknown): Outcome {
  const code = codeOf(error);
  if (signal.aborted || code === 'interrupted') return 'interrupted';
  return code !== null && ERRORS[code].exit === 'skipped' ? 'skipped' : 'failed';
}

const errorOf = (error: unknown) => ({
  code: codeOf(error) ?? 'internal',
  message: error instanceof Error ? error.message : String(error),
});
