import { hostname, userInfo } from 'node:os';
import { asHoldfastError } from '../engine/base/errors.ts';
import type { LocalLedger, NewEntry } from '../server/ledger/local-ledger.ts';
import type { CliIo } from './cli.ts';
import type { EngineModule } from './engine-door.ts';
import { printable } from './format.ts';
import type { LedgerModule } from './ledger-door.ts';
import { mask } from './mask.ts';
import { type RunRecorder, recordedModule, type WrittenPlace } from './recorded-engine.ts';
import { homeFolder } from './settings.ts';

/** What a run of the command line leaves in the ledger of its machine. */
export interface RunLedger {
  /** The same, with an engine whose doings are noted. */
  readonly io: CliIo;
  /** Appends what was noted, all at once, and anchors the heads where something was written. Never throws: what was done is done. */
  finish(): Promise<void>;
}

/** Nothing is loaded, opened or made before something happens that belongs into the ledger. */
export function runLedger(io: CliIo, signal: AbortSignal): RunLedger {
  const { loadLedger } = io;
  if (!loadLedger) return { io, finish: async () => undefined };
  const entries: Omit<NewEntry, 'actor'>[] = [];
  const places = new Map<string, WrittenPlace>();
  let module: EngineModule | null = null;
  let opening: Promise<LocalLedger> | null = null;
  const open = () => {
    opening ??= openHere(io, loadLedger, true);
    return opening;
  };
  const recorder: RunRecorder = {
    add: (entry) => void entries.push(entry),
    wrote: (place) => void places.set(place.address, place),
    // What is wrong is said at the end, once.
    ledgerHead: () =>
      open()
        .then((ledger) => ledger.headText())
        .catch(() => null),
    nowMs: io.nowMs,
    signal,
  };
  const append = async () => {
    const ledger = await open();
    await ledger.recordAll(entries.splice(0).map((entry) => ({ ...entry, actor: actorOfRun() })));
    const { anchorAt } = await loadLedger();
    for (const { address, storage } of places.values()) {
      const at = { address, ...(storage ? { storage } : {}), signal: new AbortController().signal };
      await anchorAt(ledger, mask(address), (anchor) => module!.writeAnchor(at, anchor)).catch(
        (error: unknown) =>
          io.stderr(`warning: the ledger was not anchored at ${printable(mask(address))}: ${said(error)}\n`),
      );
    }
  };
  return {
    io: {
      ...io,
      async loadEngine() {
        module ??= await io.loadEngine();
        return recordedModule(module, recorder);
      },
    },
    async finish() {
      if (entries.length > 0) await append().catch((error: unknown) => io.stderr(notRecorded(error)));
      const ledger = opening;
      opening = null;
      await ledger?.then((opened) => opened.close()).catch(() => undefined);
    },
  };
}

/** The ledger of this machine: on PostgreSQL where HOLDFAST_DATABASE_URL says so, else in the data folder. */
export async function openHere(
  io: CliIo,
  loadLedger: () => Promise<LedgerModule>,
  create: boolean,
): Promise<LocalLedger> {
  const { openLocalLedger } = await loadLedger();
  const databaseUrl = io.environment.HOLDFAST_DATABASE_URL || null;
  return openLocalLedger({ home: homeFolder(io), databaseUrl, create });
}

/** Who runs this: the system's user, as far as it has a name. */
export function actorOfRun(): NewEntry['actor'] {
  const id = process.getuid?.() ?? null;
  return {
    kind: 'cli',
    id: id === null ? null : String(id),
    name: `${userName() ?? id ?? 'somebody'}@${hostname()}`,
  };
}

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the list of users, as in many containers.
    return null;
  }
}

function notRecorded(error: unknown): string {
  const { next } = asHoldfastError(error);
  return `warning: THIS RUN IS NOT IN THE LEDGER: ${said(error)}\nwarning: the run itself is not affected; next: ${next}\n`;
}

const said = (error: unknown) => printable(mask(asHoldfastError(error).message));
