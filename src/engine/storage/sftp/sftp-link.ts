import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../base/errors.ts';
import { ConnectionLost } from './sftp-failure.ts';
import type { SftpSession } from './sftp-session.ts';

/** A destination that is there as long as anyone needs it, whatever happens to single connections. */
export interface SftpLink {
  /**
   * Does the work with a live session, and again from its start when the connection broke meanwhile: so the work must be
   * safe to repeat. Throws `storage_unreachable` after `patienceMs` of failing, and what the work threw.
   */
  run<T>(work: (session: SftpSession) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Does the work once if there is a live session, and never fails: for tidying up. Once aborted, it is not waited for long. */
  ifConnected(work: (session: SftpSession) => Promise<unknown>, signal?: AbortSignal): Promise<void>;
  /** Ends the connection; whatever is under way fails. Idempotent. */
  close(): void;
}

export interface LinkOptions {
  readonly connect: () => Promise<SftpSession>;
  /** For messages. */
  readonly shown: string;
  readonly patience: Patience;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly random?: () => number;
  readonly nowMs?: () => number;
}

export interface Patience {
  /** How long a server that never answered is asked again: probably the address is wrong. */
  readonly firstMs: number;
  /** How long one that was there is waited for. */
  readonly laterMs: number;
  /** How often one piece of work is begun: it may itself be what breaks the connection. */
  readonly attempts: number;
}

/** A server that restarts is back in seconds, one that reboots in about two minutes. */
export const PATIENCE: Patience = { firstMs: 4_000, laterMs: 150_000, attempts: 8 };

const SHORTEST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
/** After an abort, work under way may still tidy up for so long. */
const TIDY_MS = 2_000;

export function sftpLink(options: LinkOptions): SftpLink {
  const { connect, shown, patience } = options;
  const random = options.random ?? Math.random;
  const nowMs = options.nowMs ?? (() => performance.now());
  const sleep = options.sleep ?? ((ms, signal) => wait(ms, undefined, signal ? { signal } : {}));
  const ending = new AbortController();
  let wasConnected = false;
  let session: SftpSession | null = null;
  let connecting: Promise<SftpSession> | null = null;

  const pause = (attempt: number, signal: AbortSignal | undefined) => {
    const longest = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** attempt);
    return sleep(longest * (0.5 + random() / 2), signal);
  };
  const unreachable = (error: ConnectionLost) =>
    new HoldfastError('storage_unreachable', `${shown} does not answer: ${error.message}`, { cause: error });

  const establish = async (): Promise<SftpSession> => {
    const startMs = nowMs();
    const patienceMs = wasConnected ? patience.laterMs : patience.firstMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        ending.signal.throwIfAborted();
        const made = await connect();
        if (ending.signal.aborted) made.end('it was closed');
        wasConnected = true;
        return made;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (nowMs() - startMs > patienceMs) throw unreachable(error);
        await pause(attempt, ending.signal);
      }
    }
  };
  /** One connection serves everyone, and one attempt to make it. */
  const live = async (): Promise<SftpSession> => {
    if (session && !session.isLost) return session;
    connecting ??= establish().finally(() => {
      connecting = null;
    });
    session = await connecting;
    return session;
  };
  const insist = async <T>(work: (session: SftpSession) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      const connected = await live();
      try {
        return await work(connected);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (ending.signal.aborted || attempt >= patience.attempts) throw unreachable(error);
        await pause(attempt - 1, signal);
      }
    }
  };
  return {
    run: (work, signal) => orAborted(insist(work, signal), signal),
    async ifConnected(work, signal) {
      if (session && !session.isLost) await orAborted(work(session), signal).catch(() => {});
    },
    close() {
      ending.abort(new HoldfastError('storage_unreachable', `${shown} was closed`));
      session?.end('it was closed');
    },
  };
}

/** The result, or the abort if the work does not end soon after it: a silent server must not hold up Ctrl-C. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const aborted = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | null = null;
  const onAbort = () => {
    timer = setTimeout(() => aborted.reject(signal.reason), TIDY_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (timer) clearTimeout(timer);
  }
}
