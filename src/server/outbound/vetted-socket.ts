import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction, connect as netConnect, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { HoldfastError } from '../../engine/index.ts';
import { addressRefusal } from './outbound-policy.ts';
import { type Outbound, type ResolvedAddress, vettedHost } from './vetted-host.ts';

/** Answers every question with addresses that were vetted before. */
export function fixedLookup(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const wanted = addresses.filter(({ family }) => !options.family || options.family === family);
    const usable = wanted.length > 0 ? wanted : addresses;
    if (options.all) callback(null, [...usable]);
    else callback(null, usable[0]!.address, usable[0]!.family);
  };
}

/**
 * Connects to a host at an address that was vetted. Throws `address_refused` before any packet leaves, and what `connect` of
 * Node throws. The caller destroys the socket.
 */
export async function vettedSocket(
  { host, port }: { readonly host: string; readonly port: number },
  outbound: Outbound,
  signal?: AbortSignal,
): Promise<Socket> {
  const addresses = await vettedHost(host, outbound);
  signal?.throwIfAborted();
  const socket = netConnect({ host: host.replace(/^\[(.*)\]$/, '$1'), port, lookup: fixedLookup(addresses) });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const onAbort = () => socket.destroy(signal!.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('connect', () => resolve(socket)).once('error', reject);
  try {
    return await promise;
  } finally {
    socket.off('error', reject);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Agents for clients that connect by themselves, such as that of S3: each connection goes to an address that was vetted. */
export interface VettedAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

type Made = (error: Error | null, socket?: Duplex) => void;
interface Target extends ConnectionOptions {
  readonly host?: string;
  readonly port?: number;
}

export function vettedAgents(outbound: Outbound, options: AgentOptions = {}): VettedAgents {
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);
  http.createConnection = ((target: Target, made: Made) => {
    withAddresses(target, outbound, made, (lookup) =>
      netConnect({ ...target, host: target.host!, port: target.port!, lookup }),
    );
  }) as HttpAgent['createConnection'];
  https.createConnection = ((target: Target, made: Made) => {
    withAddresses(target, outbound, made, (lookup) => tlsConnect({ ...target, lookup }));
  }) as HttpsAgent['createConnection'];
  return { http, https };
}

function withAddresses(
  target: Target,
  outbound: Outbound,
  made: Made,
  connect: (lookup: LookupFunction) => Socket,
): void {
  vettedHost(target.host ?? 'localhost', outbound).then(
    (addresses) => {
      try {
        made(null, connect(fixedLookup(addresses)));
      } catch (error) {
        made(error as Error);
      }
    },
    (error: Error) => made(error),
  );
}

/**
 * Connects for clients that want a socket at once, such as that of SFTP: it fails with `address_refused` when the address may not be
 * reached.
 */
export function vettedDial(outbound: Outbound): (host: string, port: number) => Socket {
  return (host, port) => {
    if (isIP(host) !== 0) return literalSocket(host, port, outbound);
    const lookup: LookupFunction = (name, options, callback) => {
      vettedHost(name, outbound).then(
        (addresses) => fixedLookup(addresses)(name, options, callback),
        (error: Error) => callback(error, ''),
      );
    };
    return netConnect({ host, port, lookup });
  };
}

/** Node asks no lookup about an address, so it is vetted here. */
function literalSocket(host: string, port: number, { policy }: Outbound): Socket {
  const refusal = addressRefusal(host, policy);
  if (refusal === null) return netConnect({ host, port });
  const socket = new Socket();
  process.nextTick(() => socket.destroy(new HoldfastError('address_refused', `${host}: ${refusal}`)));
  return socket;
}
