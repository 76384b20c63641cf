/** Repositories with a long history: made once, and kept where that is asked for. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../measure.ts';
import type { Session, Tool } from '../tools/port.ts';
import { pauses } from '../workloads/pause.ts';
import type { Source } from '../workloads/port.ts';
import { type HistoryData, type HistoryShape, historyData } from './history-data.ts';

export interface Preparing {
  readonly tools: readonly Tool[];
  /** Of the repositories; each tool has a folder in it. */
  readonly folder: string;
  /** What is backed up lies beneath it. */
  readonly dataFolder: string;
  readonly shape: HistoryShape;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const DONE = 'prepared.json';
const SAY_EVERY_MS = 30_000;

/**
 * Makes what is not there yet: the folder changes, every tool backs it up, and so on, in step; no tool is measured here. Afterwards the
 * data is as the last backup found it.
 */
export async function prepareAll(preparing: Preparing): Promise<HistoryData> {
  const { tools, folder, dataFolder, shape, signal, say } = preparing;
  const data = historyData(join(dataFolder, 'tree'), shape);
  const source: Source = { kind: 'files', folder: data.folder };
  const missing = tools.filter((tool) => !isPrepared(join(folder, tool.name), shape));
  const opened = [];
  try {
    for (const tool of missing) {
      const place = join(folder, tool.name);
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true });
      opened.push(await open(tool.session(source, place), signal));
    }
    data.create();
    const pause = pauses(signal);
    let saidMs = performance.now();
    for (let n = 1; n <= shape.backups; n += 1) {
      if (n > 1) data.change(n);
      await Promise.all(opened.map(({ backup }) => backup(n)));
      await pause();
      if (performance.now() - saidMs < SAY_EVERY_MS || missing.length === 0) continue;
      saidMs = performance.now();
      say(`  preparing: ${n} of ${shape.backups} backups`);
    }
  } finally {
    for (const { close } of opened) await close();
  }
  for (const tool of missing) markPrepared(join(folder, tool.name), shape);
  return data;
}

interface Opened {
  backup(n: number): Promise<unknown>;
  close(): Promise<void>;
}

/** One process for all backups where the tool offers it, else one for each. */
async function open(session: Session, signal: AbortSignal): Promise<Opened> {
  if (session.prepare) await run(session.prepare, signal);
  const writer = await session.openWriter?.();
  if (writer) return { backup: () => writer.backup(), close: () => writer.close() };
  return { backup: (n) => run(session.backup(n)!, signal), close: async () => {} };
}

function isPrepared(folder: string, shape: HistoryShape): boolean {
  const path = join(folder, DONE);
  return existsSync(path) && readFileSync(path, 'utf8') === JSON.stringify(shape);
}

function markPrepared(folder: string, shape: HistoryShape): void {
  writeFileSync(join(folder, `${DONE}.new`), JSON.stringify(shape));
  renameSync(join(folder, `${DONE}.new`), join(folder, DONE));
}
