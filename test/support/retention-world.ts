/** A repository, in memory unless said, and a table that grows, for tests of table retention. */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/engine/base/clock.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import type { OperationContext } from '../../src/engine/operations/context.ts';
import { createRepository, openRepository } from '../../src/engine/repository/repository.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { rawCredential } from './repository-world.ts';

export const DAY_MS = 86_400_000;

/** `through` wraps the storage as the run sees it. */
export async function retentionWorld(folder: string, storage: Storage = memoryStorage()) {
  const credential = rawCredential();
  const signingKey = newSigningKey();
  const signal = new AbortController().signal;
  await createRepository({ storage, credential, signingKey });
  const contextOn = async (
    through: (storage: Storage) => Storage = (one) => one,
  ): Promise<OperationContext> => ({
    repository: await openRepository({ storage: through(storage), credentials: [credential], signingKey }),
    ...{ progress: silentProgress, signal, clock: systemClock },
    ...{ scratchRoot: `${folder}/scratch`, workers: 1, minimumFreeBytes: 0 },
  });
  return { storage, contextOn, stateFolder: `${folder}/state` };
}

/** Row `i` of the table: half of them older than 100 days, written in no order of time. */
export function rowAt(i: number, nowMs: number) {
  const ageDays = (i * 7919) % 200;
  const time = new Date(nowMs - ageDays * DAY_MS - 60_000).toISOString();
  const detail = i % 5 === 0 ? null : `entry ${i}, "quoted"\nand over two lines, ${'x'.repeat(i % 60)}`;
  return { id: i, time, actor: i % 3 === 0 ? '' : `user ${i % 97}`, detail, isOld: ageDays >= 100 };
}

/** Writes rows of now until it is stopped, a transaction each, and measures how long each took. */
export function sqliteWriter(path: string) {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  const insert = database.prepare('insert into audit_log (at, actor, detail) values (?, ?, ?)');
  return writer({
    write: async (detail) => insert.run(new Date().toISOString(), 'writer', detail),
    // Others in this process have their turn.
    rest: turn,
    close: async () => database.close(),
  });
}

/** The same for PostgreSQL, in a session of its own. */
export async function postgresWriter(url: string) {
  const { default: pg } = await import('pg');
  const client = new pg.Client(url);
  await client.connect();
  const insert = "insert into audit_log (at, actor, detail) values (now(), 'writer', $1)";
  return writer({
    write: (detail) => client.query(insert, [detail]),
    rest: async () => {},
    close: () => client.end(),
  });
}

interface Writing {
  write(detail: string): Promise<unknown>;
  /** Between two, and no part of what is measured. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

function writer({ write, rest, close }: Writing) {
  let running = true;
  let written = 0;
  let longestMs = 0;
  const work = (async () => {
    while (running) {
      const startedMs = performance.now();
      await write(`row ${written}`);
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      written += 1;
      await rest();
    }
  })();
  return async () => {
    running = false;
    await work;
    await close();
    return { written, longestMs };
  };
}
