/** A live database that gives way: restored beside it, checked, exchanged by name; the old one is kept. */
import { codeOf, HoldfastError } from '../../base/errors.ts';
import {
  createLike,
  describeAddress,
  describeLive,
  dropIfSame,
  findDatabases,
  type LiveDatabase,
  type PostgresAddress,
  switchDatabases,
  urlOf,
  withDatabase,
} from '../../sources/postgres/index.ts';
import { DEFAULT_GRACE_MS, type SafeRestore, type SwitchFacts } from './switch-port.ts';
import { refuseSecond, removeRecord, type SwitchRecord, stampOf, writeRecord } from './switch-record.ts';

export interface BesideWork {
  readonly address: PostgresAddress;
  readonly live: LiveDatabase;
  readonly safe: SafeRestore;
  readonly facts: SwitchFacts;
  readonly signal: AbortSignal;
  /** Fills the empty database at the address and checks it. */
  readonly fill: (url: string) => Promise<void>;
}

/** Bytes of a database's name that the names made from it carry: names end at 63. */
const NAME_KEPT = 30;

function nameWith(name: string, what: string, id: string): string {
  let short = name;
  while (Buffer.byteLength(short) > NAME_KEPT) short = [...short].slice(0, -1).join('');
  return `${short}_${what}_${id}`;
}

/**
 * Restores beside the live database and exchanges the two. On failure the live one is as it was and the other is dropped. Throws what
 * `fill` throws, `target_busy`, `target_failed`, `database_unreachable`, `interrupted`.
 */
export async function restoreBeside(work: BesideWork): Promise<SwitchRecord> {
  const { address, live, safe, facts } = work;
  // One that can be typed again, without its password.
  const target = urlOf({ ...address, password: '', parameters: {} });
  refuseSecond(safe.stateFolder, target);
  const id = stampOf(facts.nowMs);
  const beside = nameWith(live.name, 'holdfast', id);
  let record = writeRecord(safe.stateFolder, {
    ...{ version: 1, id, kind: 'postgres', target, live: live.name, beside, undone: beside },
    ...{ kept: nameWith(live.name, 'before', id), oldId: live.oid, newId: null, state: 'loading' },
    ...{ backupId: facts.backupId, item: facts.item, safetyBackupId: safe.safetyBackupId ?? null },
    ...{ startedAt: new Date(facts.nowMs).toISOString(), switchedAt: null },
    process: { pid: process.pid, started: null },
  });
  safe.onStep?.('create');
  try {
    const newId = await createLike(live, address, beside);
    safe.onStep?.('created');
    record = writeRecord(safe.stateFolder, { ...record, newId });
    safe.onStep?.('fill');
    await work.fill(urlOf(withDatabase(address, beside)));
    record = writeRecord(safe.stateFolder, { ...record, state: 'switching' });
    safe.onStep?.('switch');
    await exchange(work, record);
    const switchedAt = new Date().toISOString();
    return writeRecord(safe.stateFolder, { ...record, state: 'switched', switchedAt });
  } catch (error) {
    const found = await resolvePostgres(safe.stateFolder, record, address).catch(() => record);
    if (found?.state === 'switched') return found;
    throw found === null ? error : withLeftover(error, beside);
  }
}

/** The server could not be asked: the next command that reaches it clears up. */
function withLeftover(error: unknown, beside: string): unknown {
  if (!(error instanceof HoldfastError)) return error;
  return new HoldfastError(error.code, error.message, {
    cause: error,
    next: `${error.next}; the next restore to this server drops the database ${beside}, which is not whole`,
  });
}

async function exchange({ address, safe, signal }: BesideWork, record: SwitchRecord): Promise<void> {
  await switchDatabases({
    address,
    live: { oid: record.oldId, name: record.live },
    next: { oid: record.newId!, name: record.beside },
    kept: record.kept,
    graceMs: safe.graceMs ?? DEFAULT_GRACE_MS,
    signal,
    onConnected: (who) => safe.onConnected?.(record.target, who),
    ...(safe.onStep ? { onStep: safe.onStep } : {}),
  });
}

/**
 * Asks the server how an exchange ended, and drops a database that was not filled. Null when nothing was exchanged. Idempotent. Throws what
 * connecting throws.
 */
export async function resolvePostgres(
  stateFolder: string,
  record: SwitchRecord,
  address: PostgresAddress,
): Promise<SwitchRecord | null> {
  const { live, beside, oldId, newId, state } = record;
  const [found] = await findDatabases(address, [live]);
  if (state === 'going-back') {
    const isBack = found?.oid === oldId;
    return writeRecord(stateFolder, { ...record, state: isBack ? 'switched-back' : 'switched' });
  }
  if (newId !== null && found?.oid === newId) {
    const switchedAt = record.switchedAt ?? new Date().toISOString();
    return writeRecord(stateFolder, { ...record, state: 'switched', switchedAt });
  }
  await dropIfSame(address, beside, newId);
  removeRecord(stateFolder, record);
  return null;
}

/** Puts the old database back under its name; the restored one is kept. */
export async function switchPostgresBack(
  safe: SafeRestore,
  given: SwitchRecord,
  address: PostgresAddress,
  signal: AbortSignal,
): Promise<SwitchRecord> {
  const { live, kept, undone, oldId, newId } = given;
  const obstacle = (await describeLive(address))?.obstacle ?? null;
  if (obstacle !== null) throw new HoldfastError('target_failed', `${given.target}: ${obstacle}`);
  const record = writeRecord(safe.stateFolder, { ...given, state: 'going-back' });
  safe.onStep?.('going-back');
  try {
    await switchDatabases({
      address,
      live: { oid: newId!, name: live },
      next: { oid: oldId, name: kept },
      kept: undone,
      graceMs: safe.graceMs ?? DEFAULT_GRACE_MS,
      signal,
      onConnected: (who) => safe.onConnected?.(record.target, who),
      ...(safe.onStep ? { onStep: safe.onStep } : {}),
    });
    return writeRecord(safe.stateFolder, { ...record, state: 'switched-back' });
  } catch (error) {
    const found = await resolvePostgres(safe.stateFolder, record, address).catch(() => null);
    if (found?.state === 'switched-back') return found;
    throw error;
  }
}

/** Drops what is kept of a finished exchange. False when it is not there any more. */
export async function dropKeptDatabase(record: SwitchRecord, address: PostgresAddress): Promise<boolean> {
  const isOld = record.state === 'switched';
  const [name, oid] = isOld ? [record.kept, record.oldId] : [record.undone, record.newId];
  return dropIfSame(address, name, oid);
}

/** Why a database cannot be exchanged, as an error with what to do. */
export function cannotExchange(address: PostgresAddress, obstacle: string): HoldfastError {
  return new HoldfastError('target_failed', `${describeAddress(address)} cannot be exchanged: ${obstacle}`, {
    next: 'mend that, or add --in-place: the database is then emptied and filled where it is, and the safety backup is the way back',
  });
}

export const isGone = (error: unknown) => codeOf(error) === 'database_unreachable';
