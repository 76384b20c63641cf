/** Work with the copies of a backup that is answered at once. */
import type { FastifyReply } from 'fastify';
import {
  type DestinationSpec,
  type Engine,
  HoldfastError,
  openEngine,
  silentProgress,
  withNearestCopy,
} from '../../engine/index.ts';
import { storedConfig } from '../configuration/documents.ts';
import { destinationsHolding, requireBackup } from './backup-list.ts';
import type { ServerContext } from './context.ts';
import { redact } from './redact.ts';
import { turns } from './turns.ts';

/** Each look opens a copy and may hold some megabytes of it. */
const LOOKS = turns({ atOnce: 8, inLine: 64 });

export type NearCopy = Parameters<Parameters<typeof withNearestCopy>[3]>[0];

/** Where a backup lies. Throws `id_unknown`, also when it lies nowhere any more. */
export async function specsHolding(
  { catalog, workplace }: Pick<ServerContext, 'catalog' | 'workplace'>,
  id: string,
): Promise<DestinationSpec[]> {
  await requireBackup(catalog.db, id);
  const names = await destinationsHolding(catalog.db, id);
  if (names.length === 0)
    throw new HoldfastError('id_unknown', `no destination holds the backup ${id} any more`);
  const config = await storedConfig(catalog.db);
  return Promise.all(names.map((name) => workplace.destination(config, name)));
}

/**
 * Work for whoever waits for the answer: it ends when they go away. Throws what the work throws, `id_unknown`,
 * `too_many_attempts` when too many look already, and `storage_unreachable` when it takes longer than `limitMs`.
 */
export async function atNearest<T>(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  work: (copy: NearCopy) => Promise<T>,
  limitMs: number | null = null,
): Promise<T> {
  const specs = await specsHolding(context, id);
  return whileWaiting(reply, (waiting) =>
    LOOKS.take(waiting, () =>
      within(limitMs, waiting, (signal) =>
        withNearestCopy(specs, id, { progress: silentProgress, signal }, work),
      ),
    ),
  );
}

/** Ends work that takes too long, whether it heeds its signal or not. Exported for its test. */
export async function within<T>(
  limitMs: number | null,
  waiting: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (limitMs === null) return work(waiting);
  const ending = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new HoldfastError(
      'storage_unreachable',
      `no copy answered within ${limitMs / 1000} seconds`,
    );
    reject(error);
    ending.abort(error);
  }, limitMs);
  try {
    return await Promise.race([promise, work(AbortSignal.any([waiting, ending.signal]))]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs work with a signal that ends when whoever asked goes away. */
export async function whileWaiting<T>(
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const onClose = () => ending.abort(new HoldfastError('interrupted', 'nobody waits for it any more'));
  reply.raw.on('close', onClose);
  try {
    return await work(ending.signal);
  } finally {
    reply.raw.off('close', onClose);
  }
}

/** Does the same to every copy. Throws the first failure when it succeeded nowhere. */
export async function atEachCopy(
  { catalog, workplace }: ServerContext,
  id: string,
  work: (engine: Engine) => Promise<unknown>,
) {
  await requireBackup(catalog.db, id);
  const names = await destinationsHolding(catalog.db, id);
  const config = await storedConfig(catalog.db);
  const destinations: { destination: string; error: string | null }[] = [];
  let failure: unknown = new HoldfastError('id_unknown', `no destination holds the backup ${id} any more`);
  for (const name of names) {
    try {
      const spec = await workplace.destination(config, name);
      const signal = AbortSignal.timeout(120_000);
      const engine = await openEngine({ ...(await spec.options()), progress: silentProgress, signal });
      try {
        await work(engine);
      } finally {
        await engine.close();
      }
      destinations.push({ destination: name, error: null });
    } catch (error) {
      failure = error;
      destinations.push({ destination: name, error: redact((error as Error).message) });
    }
  }
  if (destinations.every(({ error }) => error !== null)) throw failure;
  return { destinations };
}
