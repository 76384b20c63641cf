/** Files and folders that give way: the old one is kept beside under a name with the time. */
import {
  copyFileSync,
  existsSync,
  constants as fileConstants,
  linkSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { type Exchange, exchangeFolders, removeTree } from '../../sources/files/index.ts';
import { exchangeSqlite, isSqliteFile } from '../../sources/sqlite/index.ts';
import type { SafeRestore, SwitchFacts } from './switch-port.ts';
import {
  readRecords,
  refuseSecond,
  removeRecord,
  type SwitchRecord,
  stampOf,
  syncFolder,
  writeRecord,
} from './switch-record.ts';

/** One exchange under way. */
export interface PathSwitch {
  /** For a new file until it is whole. */
  readonly beside: string;
  readonly kept: string;
  /** Right before the rename of a file: the old one gets its second name. */
  keepFile(): void;
  readonly exchange: Exchange;
  /** The new one is in place. */
  done(): SwitchRecord;
  /** It did not come to an exchange: nothing of it stays. Never throws. */
  undo(): void;
}

/** Bytes of a name that what stands beside it carries: names end at 255. */
const NAME_KEPT = 150;

const shortened = (name: string) => {
  let short = name;
  while (Buffer.byteLength(short) > NAME_KEPT) short = [...short].slice(0, -1).join('');
  return short;
};

export const inodeOf = (path: string): string | null => {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found ? String(found.ino) : null;
};

/** Writes down what is about to be exchanged. The target must be there. Throws `target_busy`, `target_failed`. */
export function beginPathSwitch(
  safe: SafeRestore,
  kind: 'file' | 'folder',
  target: string,
  facts: SwitchFacts,
): PathSwitch {
  const live = existsSync(target) ? realpathSync(target) : target;
  refuseSecond(safe.stateFolder, live);
  const id = freeStamp(safe, facts.nowMs, live);
  const [folder, name] = [dirname(live), shortened(basename(live))];
  let record = writeRecord(safe.stateFolder, {
    ...{ version: 1, id, kind, target: live, live, state: 'loading' },
    beside: join(folder, `.${name}.holdfast-restoring-${id}`),
    kept: join(folder, `${name}.before-restore-${id}`),
    undone: join(folder, `${name}.restored-${id}`),
    ...{ oldId: inodeOf(live)!, newId: null },
    ...{ backupId: facts.backupId, item: facts.item, safetyBackupId: safe.safetyBackupId ?? null },
    ...{ startedAt: new Date(facts.nowMs).toISOString(), switchedAt: null },
    process: { pid: process.pid, started: null },
  });
  safe.onStep?.('loading');
  const { beside, kept } = record;
  const switching = () => {
    record = writeRecord(safe.stateFolder, { ...record, newId: inodeOf(beside), state: 'switching' });
    safe.onStep?.('switching');
  };
  return {
    beside,
    kept,
    keepFile() {
      switching();
      keepAs(live, kept);
      safe.onStep?.('kept');
    },
    exchange: {
      ...{ beside, aside: kept, beforeExchange: switching },
      between: () => safe.onStep?.('between'),
    },
    done() {
      safe.onStep?.('renamed');
      syncFolder(folder);
      const newId = inodeOf(live);
      const switchedAt = new Date().toISOString();
      return writeRecord(safe.stateFolder, { ...record, newId, state: 'switched', switchedAt });
    },
    undo() {
      try {
        resolvePaths(safe.stateFolder, record);
      } catch {
        // The next command tries again, and says so.
      }
    },
  };
}

/** A name with the time is free: two exchanges in one millisecond are told apart. */
function freeStamp({ stateFolder }: SafeRestore, nowMs: number, live: string): string {
  const taken = new Set(readRecords(stateFolder).map(({ id }) => id));
  const base = stampOf(nowMs);
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(id) && !existsSync(`${live}.before-restore-${id}`)) return id;
  }
}

/** A second name for the same file, so that there is no moment without one; a copy where the file system has no such names. */
function keepAs(live: string, kept: string): void {
  try {
    linkSync(live, kept);
  } catch (error) {
    if (!['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK', 'ENOSYS'].includes(systemCode(error) ?? '')) {
      throw new HoldfastError('target_failed', `${kept} could not be written: ${systemCode(error)}`, {
        cause: error,
      });
    }
    copyFileSync(live, kept, fileConstants.COPYFILE_EXCL);
  }
}

/**
 * Brings an exchange to its end that was begun and not finished: to the new one if it is whole and the old one has given way already,
 * else to the old one. Null when nothing was exchanged and nothing is left of it. Idempotent.
 */
export function resolvePaths(stateFolder: string, record: SwitchRecord): SwitchRecord | null {
  if (record.state === 'going-back') return resolveBack(stateFolder, record);
  const { live, beside, kept, oldId, newId, state } = record;
  if (inodeOf(live) === null && inodeOf(kept) === oldId) {
    const isWhole = state === 'switching' && newId !== null && inodeOf(beside) === newId;
    renameSync(isWhole ? beside : kept, live);
  }
  const now = inodeOf(live);
  if (state === 'switching' && now !== null && now !== oldId && inodeOf(kept) !== null) {
    const switchedAt = record.switchedAt ?? new Date().toISOString();
    return writeRecord(stateFolder, { ...record, newId: now, state: 'switched', switchedAt });
  }
  if (record.kind === 'folder') removeTree(beside);
  else rmSync(beside, { force: true });
  if (record.kind === 'file' && now === oldId && inodeOf(kept) !== null) rmSync(kept);
  removeRecord(stateFolder, record);
  return null;
}

function resolveBack(stateFolder: string, record: SwitchRecord): SwitchRecord {
  const { live, kept, undone, oldId, kind } = record;
  if (inodeOf(live) === null) renameSync(inodeOf(kept) === null ? undone : kept, live);
  const isBack = inodeOf(live) === oldId;
  if (!isBack && kind === 'file' && inodeOf(undone) === inodeOf(live)) rmSync(undone, { force: true });
  return writeRecord(stateFolder, { ...record, state: isBack ? 'switched-back' : 'switched' });
}

/** Puts the old one back; the restored one is kept. Throws `target_failed` when either is not what it was, `target_busy`. */
export async function switchPathsBack(safe: SafeRestore, given: SwitchRecord): Promise<SwitchRecord> {
  const { live, kept, undone, oldId } = given;
  if (inodeOf(kept) !== oldId) throw gone(kept);
  const record = writeRecord(safe.stateFolder, { ...given, state: 'going-back' });
  safe.onStep?.('going-back');
  try {
    if (inodeOf(live) === null) renameSync(kept, live);
    else if (record.kind === 'folder') exchangeFolders(live, kept, undone, () => safe.onStep?.('between'));
    else await exchangeFiles(safe, record);
  } catch (error) {
    resolveBack(safe.stateFolder, record);
    throw error;
  }
  safe.onStep?.('renamed');
  syncFolder(dirname(live));
  return resolveBack(safe.stateFolder, record);
}

async function exchangeFiles(safe: SafeRestore, { live, kept, undone }: SwitchRecord): Promise<void> {
  const keep = () => {
    keepAs(live, undone);
    safe.onStep?.('kept');
  };
  if (await isSqliteFile(live)) return exchangeSqlite({ finished: kept, target: live, beforeReplace: keep });
  keep();
  renameSync(kept, live);
}

const gone = (kept: string) =>
  new HoldfastError('target_failed', `${kept} is not there any more, or is another one`, {
    next: 'restore the safety backup instead',
  });
