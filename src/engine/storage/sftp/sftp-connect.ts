import { connect as connectSocket, type Socket } from 'node:net';
import ssh2, { type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { HoldfastError } from '../../base/errors.ts';
import { freeSent } from './free-sent.ts';
import { type HostTrust, judgeHostKey, wantedAlgorithms } from './host-key.ts';
import type { SftpAddress } from './sftp-address.ts';
import { ConnectionLost } from './sftp-failure.ts';
import { type SftpSession, sftpSession } from './sftp-session.ts';
import type { SftpSettings } from './sftp-settings.ts';

export interface ConnectOptions {
  readonly address: SftpAddress;
  readonly settings: SftpSettings;
  readonly trust: HostTrust;
  /** From the first packet to the open channel. */
  readonly connectMs: number;
  /** See `sftpSession`. */
  readonly silenceMs: number;
  /** Opens the transport; for tests. */
  readonly dial?: ((host: string, port: number) => Socket) | undefined;
}

/** Small enough to notice a dead peer within a minute, rare enough to cost nothing. */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE_MISSES = 3;

/**
 * Connects, checks the host key, logs in and opens the SFTP channel. Throws `ConnectionLost` for what may pass by
 * itself, else `host_key_unknown`, `host_key_changed`, `storage_denied`, `storage_unreachable`, `usage`.
 */
export async function connectSftp(options: ConnectOptions): Promise<SftpSession> {
  const { address, trust, connectMs, silenceMs } = options;
  const client = new ssh2.Client();
  const socket = (options.dial ?? connectSocketTo)(address.host, address.port);
  const opened = Promise.withResolvers<SFTPWrapper>();
  let refusal: HoldfastError | null = null;
  let session: SftpSession | null = null;
  const over = (error: unknown) => {
    opened.reject(refusal ?? connectFailure(error, options));
    session?.end(error instanceof Error ? error.message : String(error));
  };
  const timer = setTimeout(() => over(new Error(`no login within ${connectMs / 1000} seconds`)), connectMs);
  client.on('ready', () =>
    client.sftp((error, sftp) => (error ? over(noSftp(error)) : opened.resolve(sftp))),
  );
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
    answer(prompts.map(({ echo }) => (echo ? '' : (options.settings.password ?? '')))),
  );
  client.on('error', over);
  client.on('close', () => over(new Error('it closed the connection')));
  try {
    client.connect({
      ...loginOf(options),
      ...algorithmsFor(trust),
      sock: freeSent(socket),
      readyTimeout: connectMs,
      keepaliveInterval: KEEP_ALIVE_MS,
      keepaliveCountMax: KEEP_ALIVE_MISSES,
      hostVerifier: (key: Buffer) => {
        refusal = judgeHostKey(trust, key);
        return refusal === null;
      },
    });
    const sftp = await opened.promise;
    session = sftpSession(sftp, silenceMs, () => hangUp(client, socket));
    return session;
  } catch (error) {
    hangUp(client, socket);
    throw error instanceof ConnectionLost || error instanceof HoldfastError
      ? error
      : connectFailure(error, options);
  } finally {
    clearTimeout(timer);
  }
}

function connectSocketTo(host: string, port: number): Socket {
  return connectSocket({ host, port, noDelay: true });
}

/** A peer that is gone cannot take part in an orderly end, so there is none. */
function hangUp(client: ssh2.Client, socket: Socket): void {
  client.end();
  socket.destroy();
}

function loginOf({ address, settings }: ConnectOptions): ConnectConfig {
  const { password, passphrase, agentSocket } = settings;
  const privateKey = usableKey(settings, address.shown);
  const methods: string[] = [];
  if (privateKey) methods.push('publickey');
  if (agentSocket) methods.push('agent');
  // Servers that leave passwords to PAM offer only the second way.
  if (password) methods.push('password', 'keyboard-interactive');
  if (methods.length === 0) {
    throw new HoldfastError('storage_denied', `nothing was given to log in to ${address.shown} with`, {
      next: 'set SFTP_PRIVATE_KEY_FILE, or SFTP_PASSWORD, or start an ssh-agent',
    });
  }
  return {
    username: address.user,
    authHandler: methods as NonNullable<ConnectConfig['authHandler']>,
    ...(password ? { password, tryKeyboard: true } : {}),
    ...(privateKey ? { privateKey } : {}),
    ...(privateKey && passphrase ? { passphrase } : {}),
    ...(agentSocket ? { agent: agentSocket } : {}),
  };
}

/** Null for a key that cannot be opened when there are other ways to log in. Throws `storage_denied` otherwise. */
function usableKey(settings: SftpSettings, shown: string): string | null {
  const { privateKey, passphrase, password, agentSocket } = settings;
  if (!privateKey) return null;
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  if (!(parsed instanceof Error)) return privateKey;
  if (password || agentSocket) return null;
  throw new HoldfastError(
    'storage_denied',
    `the private key for ${shown} cannot be used: ${parsed.message}`,
    {
      next: 'check SFTP_PRIVATE_KEY_FILE, and SFTP_PASSPHRASE for an encrypted key',
    },
  );
}

function algorithmsFor(trust: HostTrust): ConnectConfig {
  const wanted = wantedAlgorithms(trust);
  if (wanted === null) return {};
  // ssh2 refuses names it does not know, which a newer known_hosts may hold.
  const supported = wanted.filter((name) => SERVER_KEYS.has(name));
  if (supported.length === 0) return {};
  return { algorithms: { serverHostKey: supported } } as ConnectConfig;
}

const SERVER_KEYS = new Set([
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]);

function noSftp(error: Error): HoldfastError {
  return new HoldfastError('storage_unreachable', `the server opens no SFTP channel: ${error.message}`, {
    cause: error,
    next: 'check that the server offers the sftp subsystem to this user',
  });
}

/** What waiting cannot change becomes an error for people; the rest `ConnectionLost`. */
function connectFailure(error: unknown, { address }: ConnectOptions): Error {
  if (error instanceof HoldfastError) return error;
  const { message, level } = error as Error & { level?: string };
  if (level === 'client-authentication') {
    return new HoldfastError('storage_denied', `${address.shown} refused the login of ${address.user}`, {
      cause: error,
      next: 'check the user, the password or key, and that the server accepts this way to log in',
    });
  }
  if (level === 'handshake' && /no matching/i.test(message)) {
    return new HoldfastError('storage_unreachable', `${address.shown}: ${message}`, {
      cause: error,
      next: 'the server knows only outdated methods: update it',
    });
  }
  return new ConnectionLost(message, { cause: error });
}
