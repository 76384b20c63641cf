/** Looking after a repository with many backups: reading all of it, and dropping half of them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { measureSettled, turned } from '../benchmark.ts';
import { run } from '../measure.ts';
import type { WorkloadRun } from '../run-bench.ts';
import { folderBytes, GIB, sizeText } from '../sizes.ts';
import type { Session, Tool } from '../tools/port.ts';
import { compareTrees } from '../workloads/compare-trees.ts';
import type { Source } from '../workloads/port.ts';
import { copyRepository, readAll } from './copy-repository.ts';
import { prepareAll } from './prepare.ts';

export async function runHistory(history: WorkloadRun): Promise<void> {
  const { options, folder, signal, save, say } = history;
  const tools = history.tools.filter((tool) => tool.kinds.includes('files'));
  const { scale, seed, backups, prepared, rounds } = options;
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder, { recursive: true });
  const shape = { totalBytes: GIB * scale, backups, seed };
  // Tools are started in other folders than this one.
  const place = prepared === null ? join(folder, 'prepared') : resolve(prepared);
  const data = await prepareAll({ tools, folder: place, dataFolder, shape, signal, say });
  const facts = { backups, files: data.files };
  say(`  ${sizeText(shape.totalBytes)}, ${JSON.stringify(facts)}`);
  const source: Source = { kind: 'files', folder: data.folder };
  for (let round = 1; round <= rounds; round += 1) {
    for (const tool of turned(tools, round)) {
      await measureUpkeep({ history, tool, source, from: join(place, tool.name), round });
    }
    save({ sizeBytes: shape.totalBytes, facts, changed: backups });
  }
}

interface Upkeep {
  readonly history: WorkloadRun;
  readonly tool: Tool;
  readonly source: Source;
  /** The prepared repository. */
  readonly from: string;
  readonly round: number;
}

/** On a copy, since pruning leaves nothing to repeat it on. */
async function measureUpkeep({ history, tool, source, from, round }: Upkeep): Promise<void> {
  const { options, folder, signal, onSample } = history;
  const copy = join(folder, `round-${round}`, tool.name);
  copyRepository(from, copy);
  const session = tool.session(source, copy, options.backups);
  const { repository } = session;
  try {
    if (options.steps.includes('verify')) {
      readAll(repository!);
      const measured = await measureSettled(session.verify!(), signal);
      onSample({ step: 'verify', tool: tool.name, round, ...measured, addedBytes: folderBytes(repository!) });
    }
    if (!options.steps.includes('prune')) return;
    readAll(repository!);
    const command = session.prune!(options.backups >> 1);
    const measured = await measureSettled(command, signal);
    onSample({ step: 'prune', tool: tool.name, round, ...measured, addedBytes: folderBytes(repository!) });
    await requireNewest(session, source, join(folder, 'restored'), signal);
  } catch (error) {
    throw new Error(`${tool.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    if (!options.keep) rmSync(copy, { recursive: true, force: true });
  }
}

/** What is left must be what a repository is for: the newest backup is restored whole and compared. */
async function requireNewest(
  session: Session,
  source: Source,
  place: string,
  signal: AbortSignal,
): Promise<void> {
  const { prepare, command, path } = session.restore(place)!;
  try {
    if (prepare) await run(prepare, signal);
    await run(command, signal);
    await compareTrees((source as { folder: string }).folder, path, signal);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
