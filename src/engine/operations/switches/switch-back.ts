/** The ways back from a restore, without the repository: it may be that it is what is out of reach. */
import { realpathSync, rmSync } from 'node:fs';
import { HoldfastError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { removeTree } from '../../sources/files/index.ts';
import { findDatabases, type PostgresAddress, parsePostgresAddress } from '../../sources/postgres/index.ts';
import { finishLeftBehind, isOf } from './finish-left-behind.ts';
import { inodeOf, switchPathsBack } from './switch-paths.ts';
import type { SafeRestore } from './switch-port.ts';
import { dropKeptDatabase, switchPostgresBack } from './switch-postgres.ts';
import { isUnfinished, readRecords, removeRecord, type SwitchRecord } from './switch-record.ts';

/** One exchange of this host. */
export interface ListedSwitch {
  readonly target: string;
  readonly kind: SwitchRecord['kind'];
  /** `unfinished`: under way, or interrupted and not cleared up yet. */
  readonly state: 'switched' | 'switched-back' | 'unfinished';
  readonly backupId: string;
  readonly safetyBackupId: string | null;
  readonly startedAt: string;
  readonly switchedAt: string | null;
  /** Where the other one is: the old one, or after switching back the restored one. */
  readonly keptAt: string;
  /** False for a path with nothing there; null for a database, which is not asked. */
  readonly isThere: boolean | null;
}

export interface SwitchRequest {
  readonly safe: SafeRestore;
  /** Null for the newest. A database needs its address, with the password where it takes one. */
  readonly target: string | null;
  /** Addresses with passwords, to choose from where the target is not named. */
  readonly logins?: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Newest first. Clears up what was interrupted, as far as it needs no login. */
export async function listSwitches(stateFolder: string, progress: Progress): Promise<ListedSwitch[]> {
  await finishLeftBehind(stateFolder, null, progress);
  return readRecords(stateFolder).map(listed);
}

const otherPlace = (record: SwitchRecord) => (record.state === 'switched-back' ? record.undone : record.kept);

function listed(record: SwitchRecord): ListedSwitch {
  const { target, kind, backupId, safetyBackupId, startedAt, switchedAt } = record;
  const keptAt = otherPlace(record);
  return {
    ...{ target, kind, backupId, safetyBackupId, startedAt, switchedAt, keptAt },
    state: isUnfinished(record) ? 'unfinished' : (record.state as 'switched' | 'switched-back'),
    isThere: kind === 'postgres' ? null : inodeOf(keptAt) !== null,
  };
}

/** Puts back what a restore replaced; the restored one is kept. Throws `usage` when there is nothing to go back to, `target_busy`, `target_failed`. */
export async function switchBack(request: SwitchRequest): Promise<ListedSwitch> {
  const { safe, signal } = request;
  const record = await recordOf(
    request,
    ({ state }) => state === 'switched',
    'there is nothing to switch back to',
  );
  if (record.kind !== 'postgres') return listed(await switchPathsBack(safe, record));
  return listed(await switchPostgresBack(safe, record, loginOf(record, request), signal));
}

/** Removes what is kept of an exchange, for good. Throws `usage`, `target_failed`. */
export async function dropKept(request: SwitchRequest): Promise<ListedSwitch> {
  const { safe } = request;
  const record = await recordOf(request, (one) => !isUnfinished(one), 'nothing is kept of a restore');
  const gone = listed(record);
  if (record.kind === 'postgres') {
    const address = loginOf(record, request);
    await requireLive(record, address);
    await dropKeptDatabase(record, address);
  } else {
    const [path, id] =
      record.state === 'switched' ? [record.kept, record.oldId] : [record.undone, record.newId];
    if (inodeOf(path) === id) {
      if (record.kind === 'folder') removeTree(path);
      else rmSync(path);
    }
    if (inodeOf(path) === id) throw new HoldfastError('target_failed', `${path} could not be removed`);
  }
  removeRecord(safe.stateFolder, record);
  return gone;
}

/** The last copy of anything is not dropped: the one in place must be there. */
async function requireLive(record: SwitchRecord, address: PostgresAddress): Promise<void> {
  const [live] = await findDatabases(address, [record.live]);
  if (live) return;
  throw new HoldfastError(
    'target_failed',
    `there is no database ${record.live}: what is kept is not dropped`,
  );
}

async function recordOf(
  { safe, target, progress, logins = [] }: SwitchRequest,
  isMeant: (record: SwitchRecord) => boolean,
  nothing: string,
): Promise<SwitchRecord> {
  for (const login of [target, ...(target === null ? logins : [])]) {
    await finishLeftBehind(safe.stateFolder, login, progress);
  }
  const wanted = target === null ? null : realOf(target);
  const found = readRecords(safe.stateFolder).find(
    (record) => isMeant(record) && (wanted === null || isOf(record, wanted)),
  );
  if (found) return found;
  throw new HoldfastError('usage', target === null ? nothing : `${nothing}: ${publicOf(target)}`, {
    next: 'see holdfast restore status',
  });
}

function realOf(target: string): string {
  if (/^postgres(ql)?:\/\//i.test(target)) return target;
  try {
    return realpathSync(target);
  } catch {
    return target;
  }
}

const publicOf = (target: string) => target.replace(/:[^:@/]*@/, '@');

function loginOf(record: SwitchRecord, { target, logins = [] }: SwitchRequest): PostgresAddress {
  const login = target ?? logins.find((one) => isOf(record, one)) ?? record.target;
  return { ...parsePostgresAddress(login), database: record.live };
}
