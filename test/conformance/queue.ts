import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../src/engine/index.ts';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type {
  Job,
  JobContext,
  JobOutcome,
  JobQueue,
  JobRequest,
  JobUpdate,
  WorkOptions,
} from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import type { QueueOptions } from '../../src/server/jobs/settings.ts';
import type { CatalogPlace } from '../support/catalogs.ts';
import { untilTrue } from '../support/until-true.ts';

/** Nothing here waits for a lease to end: it is long, so that no machine is too busy to renew it. */
const LEASE_MS = 120_000;
/** Only a hang meets it. */
const PATIENCE_MS = 300_000;

const succeeded: JobOutcome = { status: 'succeeded', result: { good: true } };
const job = (request: Partial<JobRequest> = {}): JobRequest => ({ kind: 'custom', payload: {}, ...request });

/** Jobs of the same millisecond have no order. */
async function enqueueLater(queue: JobQueue, request: Partial<JobRequest>): Promise<void> {
  await sleep(3);
  await queue.enqueue(job(request));
}

/** Until the signal, as the engine ends: with an error. */
const untilStopped = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const stop = () => reject(new HoldfastError('interrupted'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });

/** A queue on a catalog of its own; `others` opens another server on the same one. */
async function place(place: CatalogPlace, t: TestContext, options: QueueOptions = {}) {
  const address = await place.address(t);
  const open = async () => {
    const catalog = await openCatalog(address, { connections: 5 });
    const queue = await openQueue(catalog, { leaseMs: LEASE_MS, pollMs: 200, retryFirstMs: 10, ...options });
    t.after(async () => {
      await queue.close();
      await catalog.close();
    });
    return { catalog, queue };
  };
  const work = (queue: JobQueue, handle: WorkOptions['handle'], more: Partial<WorkOptions> = {}) => {
    const worker = queue.work({ handle, ...more });
    t.after(() => worker.stop());
    return worker;
  };
  return { ...(await open()), others: open, work };
}

const ended = (queue: JobQueue, id: string) =>
  untilTrue(async () => {
    const found = await queue.get(id);
    return found?.finishedAtMs ? found : null;
  });

const statuses = async (queue: JobQueue, id: string) =>
  (await queue.events(id, 0)).filter(({ kind }) => kind === 'status').map(({ data }) => data.status);

/** The one suite every queue passes. */
export function queueConformance(catalogs: CatalogPlace): void {
  const setUp = (t: TestContext, options: QueueOptions = {}) => place(catalogs, t, options);
  running(setUp);
  keys(setUp);
  choosing(setUp);
  sharing(setUp);
  stopping(setUp);
  watching(setUp);
}

type SetUp = (t: TestContext, options?: QueueOptions) => ReturnType<typeof place>;

function running(setUp: SetUp): void {
  test('a job is run once, by one of several workers, and its result and history stay', async (t) => {
    const { queue, others, work } = await setUp(t);
    const second = await others();
    const seen: string[] = [];
    const handle = async ({ id }: Job) => {
      seen.push(id);
      return succeeded;
    };
    work(queue, handle);
    work(second.queue, handle);
    const ids: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      const server = i % 2 ? queue : second.queue;
      ids.push((await server.enqueue(job({ payload: { i } }))).job.id);
    }
    for (const id of ids) {
      const done = await ended(queue, id);
      assert.equal(done.status, 'succeeded');
      assert.deepEqual(done.result, { good: true });
      assert.deepEqual(await statuses(queue, id), ['queued', 'running', 'succeeded']);
    }
    assert.deepEqual(seen.toSorted(), ids.toSorted());
  });

  test('a job starts without waiting for the next look', async (t) => {
    const { queue, work } = await setUp(t, { pollMs: 3_600_000 });
    work(queue, async () => succeeded);
    await sleep(300);
    const { job: made } = await queue.enqueue(job());
    // Only a hint can bring it: the next look is an hour away, longer than the wait of `ended`.
    assert.equal((await ended(queue, made.id)).status, 'succeeded');
  });

  test('what a job records is written with its end, or not at all', async (t) => {
    const { queue, catalog, work } = await setUp(t);
    const tenant = (id: string) => ({ id, name: id, created_at: 1, archived_at: null });
    work(queue, async ({ payload }) => ({
      ...succeeded,
      record: async (trx) => {
        await trx.insertInto('tenants').values(tenant('recorded')).execute();
        if (payload === 'break') throw new Error('could not be recorded');
      },
    }));
    const broken = await ended(queue, (await queue.enqueue(job({ payload: 'break' }))).job.id);
    assert.equal(broken.status, 'failed');
    assert.equal(broken.error?.message, 'could not be recorded');
    assert.deepEqual(await catalog.db.selectFrom('tenants').selectAll().execute(), []);
    assert.equal((await ended(queue, (await queue.enqueue(job())).job.id)).status, 'succeeded');
    assert.equal((await catalog.db.selectFrom('tenants').selectAll().execute()).length, 1);
  });

  test('trouble that may pass is tried again, other trouble is not, and a full destination is a skip', async (t) => {
    const { queue, work } = await setUp(t);
    work(queue, async ({ payload, attempt }) => {
      if (payload === 'passes' && attempt === 3) return succeeded;
      throw new HoldfastError(
        payload === 'full' ? 'space_low' : payload === 'never' ? 'source_missing' : 'source_busy',
      );
    });
    const run = async (payload: string) => ended(queue, (await queue.enqueue(job({ payload }))).job.id);
    const [passes, stays, never, full] = await Promise.all(['passes', 'stays', 'never', 'full'].map(run));
    const outcome = (one: Job | undefined) => [one?.status, one?.attempt, one?.error?.code ?? null];
    assert.deepEqual(outcome(passes), ['succeeded', 3, null]);
    assert.deepEqual(outcome(stays), ['failed', 3, 'source_busy']);
    assert.deepEqual(outcome(never), ['failed', 1, 'source_missing']);
    assert.deepEqual(outcome(full), ['skipped', 1, 'space_low']);
    assert.match(never!.error!.next, /path/);
  });

  test('a job whose time has not come waits for it', async (t) => {
    const { queue, work } = await setUp(t);
    work(queue, async () => succeeded);
    const dueAtMs = Date.now() + 700;
    const { job: made } = await queue.enqueue(job({ runAfterMs: dueAtMs }));
    assert.ok((await ended(queue, made.id)).startedAtMs! >= dueAtMs - 5);
  });

  test('a queue tells in the same transaction how each job ended', async (t) => {
    const told: [string, string][] = [];
    const { queue, work } = await setUp(t, {
      onEnded: async (_, { id, status }) => {
        told.push([id, status]);
      },
    });
    const cancelled = (await queue.enqueue(job({ label: 'nobody' }))).job.id;
    await queue.cancel(cancelled);
    work(queue, async () => succeeded);
    const done = (await queue.enqueue(job())).job.id;
    await ended(queue, done);
    assert.deepEqual(told, [
      [cancelled, 'interrupted'],
      [done, 'succeeded'],
    ]);
  });
}

function keys(setUp: SetUp): void {
  test('an idempotency key makes one job, ever; a singleton key one at a time', async (t) => {
    const { queue, others, work } = await setUp(t);
    const { queue: second } = await others();
    const at = (i: number) => (i % 2 ? queue : second);
    const many = (request: Partial<JobRequest>) =>
      Promise.all(Array.from({ length: 12 }, (_, i) => at(i).enqueue(job(request))));
    const created = (results: { created: boolean }[]) => results.filter((one) => one.created).length;
    const byKey = await many({ idempotencyKey: 'k1' });
    const single = await many({ singletonKey: 's1' });
    assert.deepEqual([created(byKey), created(single)], [1, 1]);
    assert.equal(new Set(byKey.map((one) => one.job.id)).size, 1);
    work(queue, async () => succeeded);
    await ended(queue, byKey[0]!.job.id);
    await ended(queue, single[0]!.job.id);
    assert.equal(created(await many({ idempotencyKey: 'k1' })), 0);
    assert.equal(created([await queue.enqueue(job({ singletonKey: 's1' }))]), 1);
  });

  test('jobs of one concurrency key do not overlap; without a key they do', async (t) => {
    const { queue, others, work } = await setUp(t);
    const second = await others();
    const now = new Map<string, number>();
    const most = new Map<string, number>();
    const handle = async ({ payload }: Job) => {
      const group = String(payload);
      now.set(group, (now.get(group) ?? 0) + 1);
      most.set(group, Math.max(most.get(group) ?? 0, now.get(group)!));
      // Those that nothing holds back wait until two have met, however slowly they are handed out.
      if (group === 'null') await untilTrue(async () => most.get(group)! > 1);
      else await sleep(40);
      now.set(group, now.get(group)! - 1);
      return succeeded;
    };
    const ids: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      for (const key of ['a', 'b', null]) {
        const made = await queue.enqueue(job({ payload: String(key), concurrencyKey: key }));
        ids.push(made.job.id);
      }
    }
    work(queue, handle, { concurrency: 4 });
    work(second.queue, handle, { concurrency: 4 });
    for (const id of ids) assert.equal((await ended(queue, id)).status, 'succeeded');
    assert.deepEqual([most.get('a'), most.get('b')], [1, 1]);
    // The negative control: the same handler overlaps where nothing forbids it.
    assert.ok(most.get('null')! > 1);
  });

  test('no more jobs run at once than the limit, in all workers together', async (t) => {
    let limit = 2;
    const { queue, others, work } = await setUp(t, { limit: async () => limit });
    const second = await others();
    let now = 0;
    let most = 0;
    let wanted = 2;
    const handle = async () => {
      now += 1;
      most = Math.max(most, now);
      // They wait until as many have met as may, and then a little for one more.
      await untilTrue(async () => most >= wanted);
      await sleep(60);
      now -= 1;
      return succeeded;
    };
    const enqueueAll = async () =>
      Promise.all(Array.from({ length: 8 }, async () => (await queue.enqueue(job())).job.id));
    const ids = await enqueueAll();
    work(queue, handle, { concurrency: 4 });
    work(second.queue, handle, { concurrency: 4 });
    for (const id of ids) await ended(queue, id);
    assert.equal(most, 2);
    limit = 8;
    wanted = 3;
    for (const id of await enqueueAll()) await ended(queue, id);
    // The negative control: with a higher limit the same workers do more at once.
    assert.ok(most >= 3);
  });
}

function choosing(setUp: SetUp): void {
  test('a job with a label goes to a worker that carries it, one without to any', async (t) => {
    const { queue, others, work } = await setUp(t);
    const second = await others();
    const takenBy = new Map<string, string>();
    const handle =
      (name: string) =>
      async ({ id }: Job) => {
        takenBy.set(id, name);
        return succeeded;
      };
    work(queue, handle('plain'));
    const red = (await queue.enqueue(job({ label: 'red' }))).job.id;
    const plain = (await queue.enqueue(job())).job.id;
    await ended(queue, plain);
    await sleep(300);
    assert.equal((await queue.get(red))?.status, 'queued');
    work(second.queue, handle('red only'), { labels: ['red', 'blue'], unlabelled: false });
    await ended(queue, red);
    const more = (await queue.enqueue(job())).job.id;
    await ended(queue, more);
    assert.deepEqual(
      [plain, red, more].map((id) => takenBy.get(id)),
      ['plain', 'red only', 'plain'],
    );
  });

  test('of jobs that wait, those of higher priority go first, then the older ones', async (t) => {
    const { queue, work } = await setUp(t);
    const order: unknown[] = [];
    for (const [payload, priority] of [
      ['low', -1],
      ['first', 0],
      ['second', 0],
      ['high', 5],
    ] as const) {
      await enqueueLater(queue, { payload, priority });
    }
    work(
      queue,
      async ({ payload }) => {
        order.push(payload);
        return succeeded;
      },
      { concurrency: 1 },
    );
    await untilTrue(async () => order.length === 4);
    assert.deepEqual(order, ['high', 'first', 'second', 'low']);
  });
}

function sharing(setUp: SetUp): void {
  test('tenants take turns, and those without one are one more; within a tenant the oldest goes first', async (t) => {
    const { queue, work } = await setUp(t);
    const order: unknown[] = [];
    const from = (tenantId: string | null, payload: string, more: Partial<JobRequest> = {}) =>
      enqueueLater(queue, { tenantId, payload, ...more });
    for (let i = 1; i <= 6; i += 1) await from('big', `big ${i}`);
    for (let i = 1; i <= 2; i += 1) await from('small', `small ${i}`);
    await from(null, 'none');
    await from('zero', 'asked for', { priority: 10 });
    await from('zero', 'zero');
    await from('absent', 'elsewhere', { label: 'nobody' });
    const handle = async ({ payload }: Job) => {
      order.push(payload);
      return succeeded;
    };
    work(queue, handle, { concurrency: 1 });
    await untilTrue(async () => order.length === 11);
    const first = ['asked for', 'big 1', 'small 1', 'none', 'zero', 'big 2', 'small 2'];
    assert.deepEqual(order, [...first, 'big 3', 'big 4', 'big 5', 'big 6']);
  });

  test('a tenant whose jobs all wait for one key does not lose its turn to it, nor hold anybody up', async (t) => {
    const { queue, others, work } = await setUp(t);
    const second = await others();
    const gate = Promise.withResolvers<void>();
    const order: unknown[] = [];
    for (let i = 1; i <= 3; i += 1) {
      await enqueueLater(queue, { tenantId: 'keyed', payload: `keyed ${i}`, concurrencyKey: 'one' });
    }
    for (let i = 1; i <= 3; i += 1) await enqueueLater(queue, { tenantId: 'free', payload: `free ${i}` });
    const handle = async ({ payload }: Job) => {
      order.push(payload);
      if (payload === 'keyed 1') await gate.promise;
      return succeeded;
    };
    work(queue, handle, { concurrency: 1 });
    await untilTrue(async () => order.length === 1);
    work(second.queue, handle, { concurrency: 1 });
    await untilTrue(async () => order.length === 4);
    gate.resolve();
    await untilTrue(async () => order.length === 6);
    assert.deepEqual(order.slice(0, 4), ['keyed 1', 'free 1', 'free 2', 'free 3']);
    assert.deepEqual(order.slice(4), ['keyed 2', 'keyed 3']);
  });
}

function stopping(setUp: SetUp): void {
  test('a queued job is cancelled at once, a running one is told to stop, one that ended stays', async (t) => {
    // Where a hint does not cross from process to process, it is told with the next renewal.
    const { queue, others, work } = await setUp(t, { leaseMs: 8000 });
    const { queue: second } = await others();
    const waiting = (await queue.enqueue(job({ label: 'nobody' }))).job.id;
    assert.equal(await second.cancel(waiting), 'cancelled');
    work(queue, (_, { signal }) => untilStopped(signal));
    const running = (await queue.enqueue(job())).job.id;
    await untilTrue(async () => (await queue.get(running))?.status === 'running');
    assert.equal(await second.cancel(running), 'requested');
    const stopped = await ended(queue, running);
    assert.deepEqual([stopped.status, stopped.error?.code], ['interrupted', 'interrupted']);
    assert.equal(await queue.cancel(running), 'ended');
    await assert.rejects(queue.cancel('0190aaaa-0000-7000-8000-000000000000'), { code: 'job_unknown' });
  });

  test('a worker that stops gives its job back, and the attempt does not count', async (t) => {
    const { queue, others, work } = await setUp(t);
    const second = await others();
    const first = work(queue, (_, { signal }) => untilStopped(signal));
    const { id } = (await queue.enqueue(job({ maxAttempts: 1 }))).job;
    await untilTrue(async () => (await queue.get(id))?.status === 'running');
    await first.stop();
    work(second.queue, async () => succeeded);
    const done = await ended(queue, id);
    assert.deepEqual([done.status, done.attempt], ['succeeded', 1]);
    assert.deepEqual(await statuses(queue, id), ['queued', 'running', 'queued', 'running', 'succeeded']);
  });

  test('a worker that drains finishes what it has and takes nothing more', async (t) => {
    const { queue, work } = await setUp(t);
    const gate = Promise.withResolvers<void>();
    const worker = work(queue, async () => {
      await gate.promise;
      return succeeded;
    });
    const { id } = (await queue.enqueue(job())).job;
    await untilTrue(async () => (await queue.get(id))?.status === 'running');
    const stopped = worker.stop({ drain: true });
    const late = (await queue.enqueue(job())).job.id;
    gate.resolve();
    await stopped;
    assert.equal((await queue.get(id))?.status, 'succeeded');
    assert.equal((await queue.get(late))?.status, 'queued');
  });

  test('a job whose worker lost its lease is taken over, and the late worker writes nothing', async (t) => {
    const { queue, catalog, work } = await setUp(t);
    const gate = Promise.withResolvers<void>();
    let lateSignal: AbortSignal | null = null;
    const handle = async ({ attempt }: Job, { signal }: JobContext): Promise<JobOutcome> => {
      if (attempt > 1) return { status: 'succeeded', result: 'second' };
      lateSignal = signal;
      await gate.promise;
      return { status: 'succeeded', result: 'first' };
    };
    work(queue, handle, { concurrency: 2 });
    const { id } = (await queue.enqueue(job())).job;
    await untilTrue(async () => lateSignal !== null);
    // As if this process had slept: the lease ran out unnoticed.
    await catalog.db.updateTable('jobs').set({ lease_until: 1 }).where('id', '=', id).execute();
    assert.deepEqual(await queue.maintain(), [id]);
    const done = await ended(queue, id);
    await untilTrue(async () => lateSignal!.aborted);
    gate.resolve();
    await sleep(50);
    assert.deepEqual([done.result, done.attempt], ['second', 2]);
    assert.deepEqual(await queue.get(id), done);
  });

  test('a job that was lost on its last attempt ends as interrupted', async (t) => {
    const { queue, catalog, work } = await setUp(t);
    const worker = work(queue, (_, { signal }) => untilStopped(signal));
    const { id } = (await queue.enqueue(job({ maxAttempts: 1 }))).job;
    await untilTrue(async () => (await queue.get(id))?.status === 'running');
    await catalog.db.updateTable('jobs').set({ lease_until: 1 }).where('id', '=', id).execute();
    await queue.maintain();
    const done = await ended(queue, id);
    assert.deepEqual([done.status, done.error?.code], ['interrupted', 'worker_lost']);
    await worker.stop();
    assert.deepEqual(await queue.get(id), done);
  });
}

function watching(setUp: SetUp): void {
  test('progress, phases and warnings are seen from another server as they come, and in order', async (t) => {
    const { queue, others, work } = await setUp(t);
    const { queue: second } = await others();
    const report = {
      bytesStored: 0,
      entriesDone: 0,
      entriesTotal: null,
      bytesPerSecond: null,
      secondsLeft: null,
    };
    const seenByWatcher = Promise.withResolvers<void>();
    work(queue, async (_, context) => {
      context.report({ ...report, phase: 'read', bytesDone: 0, bytesTotal: 10 });
      context.warn('a file vanished');
      context.report({ ...report, phase: 'write', bytesDone: 5, bytesTotal: 10 });
      context.report({ ...report, phase: 'write', bytesDone: 9, bytesTotal: 10 });
      await seenByWatcher.promise;
      return succeeded;
    });
    const { id } = (await queue.enqueue(job())).job;
    const updates: JobUpdate[] = [];
    for await (const update of second.watch(id, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
      updates.push(update);
      if (update.type === 'progress' && update.progress.bytesDone === 9) seenByWatcher.resolve();
    }
    const events = updates.flatMap((update) => (update.type === 'event' ? [update.event] : []));
    assert.deepEqual(
      events.map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual(
      events.map(({ kind, data }) => [kind, data.status ?? data.phase ?? data.message]),
      [
        ['status', 'queued'],
        ['status', 'running'],
        ['phase', 'read'],
        ['warning', 'a file vanished'],
        ['phase', 'write'],
        ['status', 'succeeded'],
      ],
    );
    const resumed: number[] = [];
    for await (const update of queue.watch(id, { afterSeq: 4, signal: AbortSignal.timeout(PATIENCE_MS) })) {
      if (update.type === 'event') resumed.push(update.event.seq);
    }
    assert.deepEqual(resumed, [5, 6]);
  });

  test('lists go newest first, by pages that begin where the last one ended', async (t) => {
    const { queue } = await setUp(t);
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      ids.push((await queue.enqueue(job({ tenantId: i % 2 ? 'odd' : null, label: 'nobody' }))).job.id);
      await sleep(2);
    }
    const pages: string[][] = [];
    let after: string | null = null;
    do {
      const page = await queue.list({}, { limit: 3, after });
      pages.push(page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    assert.deepEqual(
      pages.map((page) => page.length),
      [3, 3, 1],
    );
    assert.deepEqual(pages.flat(), ids.toReversed());
    const odd = await queue.list(
      { tenantId: 'odd', status: 'queued', kind: 'custom' },
      { limit: 50, after: null },
    );
    assert.deepEqual(
      odd.items.map(({ id }) => id),
      [ids[5], ids[3], ids[1]],
    );
    assert.equal((await queue.list({ tenantId: null }, { limit: 50, after: null })).items.length, 4);
  });
}
