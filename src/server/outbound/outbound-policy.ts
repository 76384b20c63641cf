import { type BlockList, isIP } from 'node:net';
import { HoldfastError } from '../../engine/index.ts';
import { addressKind, blockListOf, embeddedIPv4, familyOf } from './address-kinds.ts';

/** Where this server may connect to, beyond the public internet. */
export interface OutboundPolicy {
  /** Networks that an administrator allowed. */
  readonly allowed: BlockList;
}

/** Nothing but the public internet. */
export const publicOnly: OutboundPolicy = { allowed: blockListOf([]) };

/**
 * Reads HOLDFAST_ALLOWED_ADDRESSES: addresses and networks such as `10.0.0.0/8, fd12::/16, 127.0.0.1`, divided by commas or
 * spaces. It stands in the environment of the server and not among its settings, so that somebody who took over the session
 * of an administrator cannot open the network. Throws `config_invalid`.
 */
export function outboundPolicy(text: string | undefined): OutboundPolicy {
  const ranges = (text ?? '')
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part): [string, number] => {
      const [network, prefix, more] = part.split('/') as [string, string?, string?];
      const bits = isIP(network) === 6 ? 128 : 32;
      const length = prefix === undefined ? bits : Number(prefix);
      const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix);
      if (isIP(network) === 0 || network.includes('%') || !isPrefix || length > bits || more !== undefined) {
        throw new HoldfastError(
          'config_invalid',
          `HOLDFAST_ALLOWED_ADDRESSES: "${part}" is not an address or a network such as 10.0.0.0/8`,
        );
      }
      return [network, length];
    });
  return { allowed: blockListOf(ranges) };
}

/** Why an IP address may not be connected to; null when it may. Metadata and link-local addresses never may. */
export function addressRefusal(address: string, policy: OutboundPolicy): string | null {
  const kind = addressKind(address);
  if (kind === 'public') return null;
  if (kind === 'metadata') return 'it gives out the credentials of the machine';
  if (kind === 'link-local') return 'it is link-local';
  const plain = embeddedIPv4(address) ?? address;
  return policy.allowed.check(plain, familyOf(plain)) ? null : `it is ${kind}`;
}
