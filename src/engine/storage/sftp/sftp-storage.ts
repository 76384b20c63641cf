import type { Socket } from 'node:net';
import { posix } from 'node:path';
import { DAY_MS } from '../../base/clock.ts';
import { once } from '../../base/once.ts';
import { checkObjectName, checkPrefix } from '../object-name.ts';
import type { ObjectInfo, Storage } from '../port.ts';
import { hostTrust } from './host-key.ts';
import { parseSftpAddress } from './sftp-address.ts';
import { connectSftp } from './sftp-connect.ts';
import { STATUS, sftpFailure, statusOf } from './sftp-failure.ts';
import { durableFolders, readWholeFolder, syncFolder } from './sftp-folders.ts';
import { inspectServer } from './sftp-inspect.ts';
import { PATIENCE, type Patience, type SftpLink, sftpLink } from './sftp-link.ts';
import { listRemote } from './sftp-list.ts';
import { putRemote, settle, TEMPORARY } from './sftp-put.ts';
import { readRemote, streamRemote } from './sftp-read.ts';
import type { SftpSession } from './sftp-session.ts';
import type { SftpSettings } from './sftp-settings.ts';

export interface SftpStorageOptions {
  /** See `parseSftpAddress`. */
  readonly address: string;
  readonly settings: SftpSettings;
  readonly patience?: Patience;
  /** Default 20 seconds. */
  readonly connectMs?: number;
  /** How long a server may leave every question open; default 2 minutes, since a sync may take long on a busy disk. */
  readonly silenceMs?: number;
  /** Opens the transport; for tests. */
  readonly dial?: (host: string, port: number) => Socket;
}

const CONNECT_MS = 20_000;
const SILENCE_MS = 120_000;

/**
 * A folder on an SSH server as storage: files 0600, folders 0700, durable when a call returns if the server can
 * sync. Connects before it returns, so that a wrong address, key or password shows at once. Throws `host_key_unknown`,
 * `host_key_changed`, `storage_denied`, `storage_unreachable`, `usage`. Calls outlast a broken connection: see `sftpLink`.
 */
export async function openSftpStorage(options: SftpStorageOptions): Promise<Storage> {
  const address = parseSftpAddress(options.address);
  const { settings } = options;
  const trust = hostTrust({
    host: address.host,
    port: address.port,
    fingerprints: address.hostKeys.length > 0 ? address.hostKeys : (settings.hostKeys ?? []),
    knownHosts: settings.knownHosts ?? '',
  });
  const link = sftpLink({
    shown: address.shown,
    patience: options.patience ?? PATIENCE,
    connect: () =>
      connectSftp({
        address,
        settings,
        trust,
        connectMs: options.connectMs ?? CONNECT_MS,
        silenceMs: options.silenceMs ?? SILENCE_MS,
        dial: options.dial ?? settings.dial,
      }),
  });
  await link.run(async () => {});
  return storageOn(link, address.folder, address.shown);
}

function storageOn(link: SftpLink, root: string, shown: string): Storage {
  const pathOf = (name: string) => posix.join(root, name);
  const guarded = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    checkObjectName(name);
    try {
      return await work();
    } catch (error) {
      throw sftpFailure(error, name);
    }
  };
  const durable = durableFolders(root);
  const settled = once((signal: AbortSignal | undefined) =>
    link.run((session) => settle(session, durable), signal),
  );
  let isTidied = false;
  return {
    address: shown,
    isPaced: true,
    put: (name, content, given = {}) =>
      guarded(name, async () => {
        await settled(given.signal);
        const outcome = await putRemote(link, durable, name, content, given);
        if (!isTidied) {
          isTidied = true;
          await link.ifConnected((session) => removeLeftovers(session, root));
        }
        return outcome;
      }),
    get: (name, range, given = {}) =>
      guarded(name, () =>
        link.run((session) => readRemote(session, pathOf(name), range, given.signal), given.signal),
      ),
    async *open(name, given = {}) {
      checkObjectName(name);
      try {
        yield* streamRemote(link, pathOf(name), given.signal);
      } catch (error) {
        throw sftpFailure(error, name);
      }
    },
    async *list(prefix, given = {}) {
      checkPrefix(prefix);
      try {
        for await (const info of listRemote(link, root, prefix, given.signal)) {
          given.signal?.throwIfAborted();
          yield info;
        }
      } catch (error) {
        throw sftpFailure(error, shown);
      }
    },
    stat: (name, given = {}) =>
      guarded(name, () => link.run((session) => infoOf(session, pathOf(name), name), given.signal)),
    remove: (name, given = {}) =>
      guarded(name, () => link.run((session) => removeRemote(session, pathOf(name)), given.signal)),
    freeBytes: () => link.run((session) => freeBytes(session, root)),
    async inspect() {
      try {
        return await link.run((session) => inspectServer(session, root));
      } catch (error) {
        throw sftpFailure(error, shown);
      }
    },
    async close() {
      link.close();
    },
  };
}

async function infoOf(session: SftpSession, path: string, name: string): Promise<ObjectInfo | null> {
  const found = await session.stat(path);
  if (found?.kind !== 'file') return null;
  return { name, sizeBytes: found.sizeBytes, modifiedAtMs: found.modifiedAtMs };
}

async function removeRemote(session: SftpSession, path: string): Promise<void> {
  try {
    await session.remove(path);
  } catch (error) {
    if (statusOf(error) !== STATUS.noSuchFile) throw error;
    // The repetition of a removal whose answer was lost ends here too, and still has to be durable.
  }
  await syncFolder(session, posix.dirname(path));
}

/** Of the nearest folder that exists; null when the server does not say. */
async function freeBytes(session: SftpSession, root: string): Promise<number | null> {
  for (let path = root; ; path = posix.dirname(path)) {
    try {
      return (await session.freeSpace(path))?.bytes ?? null;
    } catch (error) {
      if (statusOf(error) === null) throw error;
      if (statusOf(error) !== STATUS.noSuchFile || path === posix.dirname(path)) return null;
    }
  }
}

/** Unfinished objects of writers that died: a day is longer than any put. */
async function removeLeftovers(session: SftpSession, root: string): Promise<void> {
  const folder = posix.join(root, TEMPORARY);
  for (const { name, kind, modifiedAtMs } of await readWholeFolder(session, folder)) {
    const isOld = Date.now() - modifiedAtMs > DAY_MS;
    if (kind === 'file' && isOld) await session.remove(posix.join(folder, name)).catch(() => {});
  }
}
