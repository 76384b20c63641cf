/** Uploaded bundles into a destination, in this process: their key is nobody else's business, and stays in memory. */
import { asHoldfastError, HoldfastError, openEngine } from '../../engine/index.ts';
import { refuseOther } from '../worker/record-backups.ts';
import type { RunnerParts } from '../worker/runner-parts.ts';
import { runConfig } from '../worker/runner-parts.ts';
import { recordFound } from './record-found.ts';
import type { UploadSession, UploadSessions } from './upload-sessions.ts';
import { viewProgress } from './view-progress.ts';

export interface ImportState {
  readonly isRunning: boolean;
  readonly phase: string | null;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Once it is imported. */
  readonly backupId: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly next: string } | null;
}

export interface Imports {
  /** Begins; how it goes says `stateOf`. Throws `upload_incomplete`, `upload_conflict` while one runs. */
  begin(session: UploadSession, destination: string, keyText: string | null): void;
  /** Null for one that was not begun since the server started. */
  stateOf(id: string): ImportState | null;
  /** Stops what runs. */
  close(): Promise<void>;
}

type Running = { -readonly [Field in keyof ImportState]: ImportState[Field] };

export function uploadImports(
  parts: Pick<RunnerParts, 'catalog' | 'workplace'>,
  sessions: UploadSessions,
): Imports {
  const all = new Map<string, { readonly view: Running; readonly work: Promise<void> }>();
  const ending = new AbortController();

  async function work(session: UploadSession, destination: string, keyText: string | null, view: Running) {
    const file = sessions.file(session);
    const run = await runConfig(parts);
    const spec = await parts.workplace.destination(run.config, destination);
    const options = await spec.options();
    const keyTexts = keyText === null ? options.keyTexts : [...options.keyTexts, keyText];
    const progress = viewProgress(view);
    const engine = await openEngine({ ...options, keyTexts, progress, signal: ending.signal });
    try {
      const { backupId } = await engine.importBundle(file, (found) =>
        refuseOther(parts.catalog.db, found.id, found),
      );
      await recordFound(parts.catalog, engine, backupId, run.destinationIds.get(destination) ?? destination);
      await sessions.imported(session, backupId);
      view.backupId = backupId;
    } finally {
      await engine.close();
    }
  }

  return {
    begin(session, destination, keyText) {
      sessions.file(session);
      if (all.get(session.id)?.view.isRunning) {
        throw new HoldfastError('upload_conflict', `the upload ${session.id} is being imported already`);
      }
      const view: Running = {
        ...{ isRunning: true, phase: null, bytesDone: 0, bytesTotal: null, backupId: null, error: null },
      };
      const running = work(session, destination, keyText, view)
        .catch((error: unknown) => {
          const { code, message, next } = asHoldfastError(error);
          view.error = { code, message, next };
        })
        .finally(() => {
          view.isRunning = false;
        });
      all.set(session.id, { view, work: running });
    },
    stateOf: (id) => all.get(id)?.view ?? null,
    async close() {
      ending.abort(new HoldfastError('interrupted', 'the server stops'));
      for (const one of all.values()) await one.work;
    },
  };
}
