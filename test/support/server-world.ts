import type { TestContext } from 'node:test';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import type { Author } from '../../src/server/configuration/author.ts';
import { type StoredDocument, writeDocument } from '../../src/server/configuration/documents.ts';
import type { JobQueue } from '../../src/server/jobs/port.ts';
import { openQueue } from '../../src/server/jobs/queue.ts';
import type { Schedule } from '../../src/server/schedule/port.ts';
import { openSchedule } from '../../src/server/schedule/schedule.ts';
import type { CatalogPlace } from './catalogs.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

export interface ServerWorld {
  readonly clock: FakeClock;
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly schedule: Schedule;
  /** Another server on the same catalog and clock. */
  another(): Promise<{ catalog: Catalog; queue: JobQueue; schedule: Schedule }>;
  author(name?: string | null): Author;
  /** Creates or replaces a plan; sources and a destination are there. */
  plan(name: string, body?: object, replaces?: number | null): Promise<StoredDocument<'plan'>>;
}

export const unexpected = (error: unknown) => {
  throw error;
};

/** A server without workers on a fresh catalog, on a clock that stands still, with a few documents. */
export async function serverWorld(place: CatalogPlace, t: TestContext): Promise<ServerWorld> {
  const clock = fakeClock(Date.parse('2026-11-21T10:00:00.000Z'));
  const address = await place.address(t);
  const another = async () => {
    const catalog = await openCatalog(address, { clock, connections: 4 });
    const queue = await openQueue(catalog, { pollMs: 100 });
    const schedule = openSchedule({ catalog, queue, onError: unexpected });
    t.after(async () => {
      await schedule.stop();
      await queue.close();
      await catalog.close();
    });
    return { catalog, queue, schedule };
  };
  const server = await another();
  const author = (name: string | null = null): Author => ({ origin: 'api', name, atMs: clock.nowMs() });
  const write = (kind: 'source' | 'destination', name: string, body: object) =>
    server.catalog.transaction((trx) => writeDocument(trx, { kind, name, body, replaces: null }, author()));
  for (const name of ['app', 'results'])
    await write('source', name, { kind: 'sqlite', path: `/srv/${name}.db` });
  await write('source', 'uploads', { kind: 'files', path: '/srv/uploads' });
  await write('destination', 'main', { address: '/backups' });
  return {
    ...server,
    clock,
    another,
    author,
    plan: (name, body = {}, replaces = null) =>
      server.catalog.transaction((trx) =>
        writeDocument(trx, { kind: 'plan', name, body: { sources: ['app'], ...body }, replaces }, author()),
      ),
  };
}
