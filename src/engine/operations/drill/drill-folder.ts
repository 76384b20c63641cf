/** The private folder everything of a drill lies in, and how it goes away: at the end, with the process, or at the next drill. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { isId } from '../../base/ids.ts';
import { endProcessesOf, isAlive, type ProcessIdentity, thisProcess } from './process-identity.ts';

/** In the environment of whatever a drill starts. */
export const DRILL_MARK = 'HOLDFAST_DRILL';
const PREFIX = 'holdfast-drill-';
const RECORD = 'drill.json';

export interface DrillFolder {
  readonly path: string;
  /** For the environment of every process that is started. */
  readonly mark: Readonly<Record<string, string>>;
  /** Folders of throwaway servers are made below. */
  readonly clustersFolder: string;
  /** Restored files, each below a name of its own. */
  readonly restoredFolder: string;
  readonly scratchFolder: string;
  /** HOME of what is started. */
  readonly homeFolder: string;
  /** Ends what the drill started and removes everything. Never throws; what stays is found by the next drill. */
  remove(): Promise<void>;
}

const recordSchema = z.object({
  version: z.literal(1),
  drillId: z.string(),
  process: z.object({ pid: z.int(), started: z.string().nullable() }),
});

/**
 * Folders of drills lie here unless told otherwise: on a disk, not in memory, with short names, and where an unprivileged
 * server may pass through.
 */
export const DEFAULT_DRILL_ROOT = '/var/tmp';

/** Ends with its standard input, that is with the process that drills, however that ends. */
const GUARDIAN = `read -r word
i=0
while [ -d "$FOLDER" ] && [ $i -lt 100 ]; do rm -rf -- "$FOLDER" 2>/dev/null; sleep 0.1; i=$((i+1)); done`;

export async function makeDrillFolder(root: string, drillId: string): Promise<DrillFolder> {
  const path = join(root, `${PREFIX}${drillId}`);
  const mark = { [DRILL_MARK]: drillId };
  try {
    await mkdir(path, { mode: 0o700 });
    // The server of a throwaway cluster is another user, and has to come to its own folder below.
    if (process.geteuid?.() === 0) await chmod(path, 0o711);
    const record = { version: 1, drillId, process: thisProcess() };
    await writeFile(join(path, RECORD), JSON.stringify(record), { mode: 0o600 });
    await mkdir(join(path, 'pg'), { mode: 0o711 });
    for (const name of ['restored', 'scratch', 'home']) await mkdir(join(path, name), { mode: 0o700 });
  } catch (error) {
    throw new HoldfastError('target_failed', `${path} cannot be made: ${systemCode(error) ?? error}`, {
      cause: error,
      next: 'name another folder for drills in drill.folder',
    });
  }
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', FOLDER: path },
  });
  guardian.on('error', () => {});
  guardian.stdin!.on('error', () => {});
  guardian.unref();
  (guardian.stdin as unknown as { unref?(): void }).unref?.();
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', removeNow);
  return {
    path,
    mark,
    clustersFolder: join(path, 'pg'),
    restoredFolder: join(path, 'restored'),
    scratchFolder: join(path, 'scratch'),
    homeFolder: join(path, 'home'),
    async remove() {
      await endProcessesOf(`${DRILL_MARK}=${drillId}`, join(path, 'pg'));
      await removeTree(path);
      process.off('exit', removeNow);
      guardian.stdin!.end();
    },
  };
}

async function removeTree(path: string): Promise<void> {
  for (let attempt = 0; attempt < 5 && existsSync(path); attempt += 1) {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => unlock(path));
  }
}

/** Restored folders may be locked even to their owner. */
async function unlock(path: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const child = spawn('/bin/chmod', ['-R', 'u+rwX', path], { stdio: 'ignore' });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

export interface LeftoverDrill {
  readonly drillId: string;
  readonly path: string;
}

/**
 * Folders of drills whose process has ended. Only those of this user, with the record a drill writes, count: in a folder
 * everybody may write to, anybody can make one that looks like it.
 */
export async function findLeftovers(root: string): Promise<LeftoverDrill[]> {
  const found: LeftoverDrill[] = [];
  for (const name of await readdir(root).catch(() => [])) {
    const drillId = name.slice(PREFIX.length);
    if (!name.startsWith(PREFIX) || !isId(drillId)) continue;
    const path = join(root, name);
    const owner = await ownerOf(path, drillId);
    if (owner !== null && !isAlive(owner)) found.push({ drillId, path });
  }
  return found;
}

/** Null for what is not a drill's folder of this user, or is being made this moment. */
async function ownerOf(path: string, drillId: string): Promise<ProcessIdentity | null> {
  try {
    const folder = await lstat(path);
    if (!folder.isDirectory() || folder.uid !== process.geteuid?.()) return null;
    const file = join(path, RECORD);
    if (!(await lstat(file)).isFile()) return null;
    const record = recordSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return record.drillId === drillId ? record.process : null;
  } catch {
    return null;
  }
}

/** Ends and removes what drills of dead processes left. Resolves with what it removed. Never throws. */
export async function removeLeftovers(root: string): Promise<LeftoverDrill[]> {
  const removed: LeftoverDrill[] = [];
  for (const leftover of await findLeftovers(root)) {
    await endProcessesOf(`${DRILL_MARK}=${leftover.drillId}`, join(leftover.path, 'pg'));
    await removeTree(leftover.path);
    if (!existsSync(leftover.path)) removed.push(leftover);
  }
  return removed;
}
