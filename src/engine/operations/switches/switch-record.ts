/**
 * What this host has exchanged, or was exchanging: one small file each, in place before anything else is changed. After a crash it tells
 * the next command what to bring to an end.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { isAlive, thisProcess } from '../drill/process-identity.ts';

const record = z.object({
  version: z.literal(1),
  /** The time of the exchange, as the names of what is kept carry it. */
  id: z.string().regex(/^\d{8}t\d{9}z(-\d+)?$/),
  kind: z.enum(['postgres', 'file', 'folder']),
  /** For people and for finding it again: an absolute path, or an address without its password. */
  target: z.string(),
  /** A path, or the name of a database; likewise the three below. */
  live: z.string(),
  /** Where the restored one stands until it is whole. */
  beside: z.string(),
  /** Where the old one goes. */
  kept: z.string(),
  /** Where the restored one goes when the old one comes back. */
  undone: z.string(),
  /** Tell the two apart whatever they are called: oid of a database, inode of a file. Null: not made yet. */
  oldId: z.string(),
  newId: z.string().nullable(),
  /** `loading` and `switching` end as `switched`, or leave nothing; `going-back` ends as `switched-back`. */
  state: z.enum(['loading', 'switching', 'switched', 'going-back', 'switched-back']),
  backupId: z.string(),
  item: z.string().nullable(),
  safetyBackupId: z.string().nullable(),
  startedAt: z.iso.datetime(),
  switchedAt: z.iso.datetime().nullable(),
  process: z.object({ pid: z.number(), started: z.string().nullable() }),
});

export type SwitchRecord = Readonly<z.output<typeof record>>;

const folderOf = (stateFolder: string) => join(stateFolder, 'switches');

/** `20261121t120000000z` */
export function stampOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:.]/g, '').toLowerCase();
}

/** Durable when it returns. Throws `target_failed` when it cannot be written: then nothing may be changed. */
export function writeRecord(stateFolder: string, given: SwitchRecord): SwitchRecord {
  const folder = folderOf(stateFolder);
  const file = join(folder, `${given.id}.json`);
  const written = { ...given, process: thisProcess() };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const temporary = join(folder, `.${given.id}.part`);
    const descriptor = openSync(temporary, 'w', 0o600);
    try {
      writeSync(descriptor, `${JSON.stringify(written, null, 2)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
    syncFolder(folder);
  } catch (error) {
    throw new HoldfastError('target_failed', `${file} could not be written: ${systemCode(error) ?? error}`, {
      cause: error,
      next: 'make room in the data folder: what is exchanged is written down there first',
    });
  }
  return written;
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function removeRecord(stateFolder: string, { id }: SwitchRecord): void {
  rmSync(join(folderOf(stateFolder), `${id}.json`), { force: true });
}

/** Newest first. A file that is no record is left out. */
export function readRecords(stateFolder: string): SwitchRecord[] {
  const folder = folderOf(stateFolder);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const files = names.filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  return files
    .sort()
    .reverse()
    .flatMap((name) => {
      const parsed = record.safeParse(jsonIn(join(folder, name)));
      return parsed.success ? [parsed.data] : [];
    });
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

export const isUnfinished = ({ state }: SwitchRecord) => state !== 'switched' && state !== 'switched-back';

/** Begun by a process that is no more. */
export const isLeftBehind = (one: SwitchRecord) => isUnfinished(one) && !isAlive(one.process);

/** Throws `target_busy` when another process is exchanging it right now. */
export function refuseSecond(stateFolder: string, target: string): void {
  const other = readRecords(stateFolder).find(
    (one) => one.target === target && isUnfinished(one) && !isLeftBehind(one),
  );
  if (!other) return;
  throw new HoldfastError('target_busy', `${target} is being restored by process ${other.process.pid}`, {
    next: 'wait until it has ended',
  });
}
