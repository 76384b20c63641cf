import { HOUR_MS, HoldfastError } from '../../engine/index.ts';
import {
  appendIn,
  beginAppending,
  type CheckpointRules,
  ledgerIdOf,
  type NewEntry,
  type Signing,
  writeCheckpoint,
} from './append.ts';
import { headOf } from './entry-rows.ts';
import type { LedgerDb, LedgerPlace } from './ledger-db.ts';
import { keyIdOfKey, openPrivateKeys } from './private-keys.ts';
import {
  type Anchor,
  type Entry,
  type Head,
  headText,
  LEDGER_VERSION,
  prove,
  STREAMS,
} from './proof/statements.ts';

export interface LedgerOptions {
  /** Where this host's private keys are: `ledger-keys` in its data folder. */
  readonly keyFolder: string;
  /** Default: every 1,000 entries, and with the first one after an hour. */
  readonly checkpoints?: Partial<CheckpointRules>;
}

export interface Ledger {
  readonly place: LedgerPlace;
  readonly signing: Signing;
  /**
   * Appends, together with whatever else is waiting; resolves when it is durable. The first entry begins the ledger.
   * Throws `ledger_key_missing` and what the catalog throws; then nothing was appended.
   */
  record(entry: NewEntry): Promise<Entry>;
  /** Several in one transaction and in this order. */
  recordAll(entries: readonly NewEntry[]): Promise<Entry[]>;
  /**
   * For what must not happen unrecorded, such as reading backup data through the service: throws `ledger_not_written`
   * whatever went wrong, and the caller refuses.
   */
  recordOrRefuse(entry: NewEntry): Promise<Entry>;
  /** Within a transaction of the caller, so that both are there or neither. Nobody else appends until it ends: do it last. */
  recordIn(db: LedgerDb, entries: readonly NewEntry[]): Promise<Entry[]>;
  /** Null for a ledger that has not begun. */
  heads(): Promise<{ readonly ledgerId: string; readonly heads: readonly Head[] } | null>;
  /** The heads as they stand in a manifest; null for a ledger that has not begun. */
  headText(): Promise<string | null>;
  /** Both heads, signed, to be kept elsewhere; null for a ledger that has not begun. */
  anchor(): Promise<Anchor | null>;
  /** Writes a checkpoint of each stream that has entries since its last one. */
  checkpoint(): Promise<void>;
  /** Resolves when everything that was recorded before is durable or has failed. */
  settled(): Promise<void>;
}

const CHECKPOINTS: CheckpointRules = { everyEntries: 1000, everyMs: HOUR_MS };

/** Entries in one transaction at most: others wait for its end. */
const BATCH = 512;

/** Nothing is read or written before it is used. It closes nothing: the place is the caller's. */
export function openLedger(place: LedgerPlace, options: LedgerOptions): Ledger {
  const signing: Signing = {
    privateKeys: openPrivateKeys(options.keyFolder),
    checkpoints: { ...CHECKPOINTS, ...options.checkpoints },
    nowMs: () => place.clock.nowMs(),
  };
  const { record, settled } = batching((entries) =>
    place.transaction((db) => appendIn(db, signing, entries)),
  );
  const heads = async () => {
    const ledgerId = await ledgerIdOf(place.db);
    return ledgerId === null ? null : { ledgerId, heads: await headsOf(place.db) };
  };
  return {
    place,
    signing,
    record,
    settled,
    recordAll: (entries) => place.transaction((db) => appendIn(db, signing, entries)),
    recordIn: (db, entries) => appendIn(db, signing, entries),
    async recordOrRefuse(entry) {
      try {
        return await record(entry);
      } catch (error) {
        throw new HoldfastError('ledger_not_written', `${entry.action}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
    heads,
    async headText() {
      const found = await heads();
      return found && headText(found.ledgerId, found.heads);
    },
    async anchor() {
      if ((await ledgerIdOf(place.db)) === null) return null;
      return place.transaction(async (db) => {
        const { ledgerId, key } = await beginAppending(db, signing);
        const body = {
          ledger_id: ledgerId,
          at: new Date(signing.nowMs()).toISOString(),
          heads: await headsOf(db),
        };
        return prove('ledgerAnchor', { version: LEDGER_VERSION, ...body, key_id: keyIdOfKey(key) }, key);
      });
    },
    async checkpoint() {
      if ((await ledgerIdOf(place.db)) === null) return;
      await place.transaction(async (db) => {
        const appending = await beginAppending(db, signing);
        for (const stream of STREAMS) await writeCheckpoint(db, signing, appending, stream);
      });
    },
  };
}

const headsOf = (db: LedgerDb) => Promise.all(STREAMS.map((stream) => headOf(db, stream)));

interface Waiting {
  readonly entry: NewEntry;
  readonly done: PromiseWithResolvers<Entry>;
}

/** Joins what is recorded while a transaction runs into the next one. */
function batching(append: (entries: readonly NewEntry[]) => Promise<Entry[]>) {
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;
  const run = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      await appendBatch(batch, append);
    }
    running = null;
  };
  return {
    record(entry: NewEntry): Promise<Entry> {
      const done = Promise.withResolvers<Entry>();
      waiting.push({ entry, done });
      running ??= Promise.resolve().then(run);
      return done.promise;
    },
    async settled(): Promise<void> {
      while (running) await running;
    },
  };
}

async function appendBatch(
  batch: readonly Waiting[],
  append: (entries: readonly NewEntry[]) => Promise<Entry[]>,
) {
  // Appending keeps the order within a stream, and gives the streams one after the other.
  const ordered = STREAMS.flatMap((stream) => batch.filter(({ entry }) => entry.stream === stream));
  try {
    const entries = await append(ordered.map(({ entry }) => entry));
    for (const [i, { done }] of ordered.entries()) done.resolve(entries[i]!);
  } catch (error) {
    for (const { done } of ordered) done.reject(error);
  }
}
