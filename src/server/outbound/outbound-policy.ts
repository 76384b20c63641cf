import { type BlockList, isIP } from 'node:net';
import { HoldfastError } from '../../engine/index.ts';
import { addressKind, blockListOf, embeddedIPv4, familyOf } from './address-kinds.ts';

/** Where this server may connect to, beyond the public internet. */
export interface OutboundPolicy {
  /** Networks that an administrator allowed. */
  readonly allowed: BlockList;
  /** Names that may lead to private addresses, lower case. */
  readonly hosts: ReadonlySet<string>;
}

/** Nothing but the public internet. */
export const publicOnly: OutboundPolicy = { allowed: blockListOf([]), hosts: new Set() };

const HOST = /^(?=.*[a-z])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i;

/**
 * Reads HOLDFAST_ALLOWED_ADDRESSES: addresses, networks and host names such as `10.0.0.0/8, fd12::/16, minio.internal`. It stands
 * in the environment of the server and not among its settings, so that somebody who took over the session of an administrator
 * cannot open the network. Throws `config_invalid`.
 */
export function outboundPolicy(parts: readonly string[]): OutboundPolicy {
  const isHost = (part: string) =>
    HOST.test(part) && isIP(part) === 0 && URL.parse(`http://${part}`)?.hostname === part.toLowerCase();
  return {
    hosts: new Set(parts.filter(isHost).map((part) => part.toLowerCase())),
    allowed: blockListOf(parts.filter((part) => !isHost(part)).map(rangeOf)),
  };
}

function rangeOf(part: string): [string, number] {
  const [network, prefix, more] = part.split('/') as [string, string?, string?];
  const bits = isIP(network) === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
  if (isIP(network) === 0 || network.includes('%') || !isPrefix || length > bits || more !== undefined) {
    throw new HoldfastError(
      'config_invalid',
      `HOLDFAST_ALLOWED_ADDRESSES: "${part}" is not a host, an address or a network such as 10.0.0.0/8`,
    );
  }
  return [network, length];
}

/**
 * Why an IP address may not be connected to; null when it may. `host` is the name that led to it. Metadata and link-local
 * addresses never may.
 */
export function addressRefusal(address: string, policy: OutboundPolicy, host?: string): string | null {
  const kind = addressKind(address);
  if (kind === 'public') return null;
  if (kind === 'metadata') return 'it gives out the credentials of the machine';
  if (kind === 'link-local') return 'it is link-local';
  if (host !== undefined && policy.hosts.has(host.toLowerCase())) return null;
  const plain = embeddedIPv4(address) ?? address;
  return policy.allowed.check(plain, familyOf(plain)) ? null : `it is ${kind}`;
}
