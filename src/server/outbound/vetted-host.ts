import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HoldfastError } from '../../engine/index.ts';
import { addressRefusal, type OutboundPolicy } from './outbound-policy.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a name. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolver: Resolver = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

export interface Outbound {
  readonly policy: OutboundPolicy;
  /** Default: that of the system. */
  readonly resolve?: Resolver;
}

/**
 * The addresses of a host, resolved once; whoever connects uses these and asks nobody again, so that an answer that changes
 * meanwhile (DNS rebinding) changes nothing. Throws `address_refused` when one of them may not be reached, even if others may:
 * a public name with a private address is somebody's trick or somebody's mistake. Throws `host_unresolved`.
 */
export async function vettedHost(host: string, outbound: Outbound): Promise<readonly ResolvedAddress[]> {
  const name = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(name);
  const addresses =
    family === 0
      ? await resolved(name, outbound.resolve ?? systemResolver)
      : [{ address: name, family: family as 4 | 6 }];
  for (const { address } of addresses) {
    const refusal = addressRefusal(address, outbound.policy, name);
    if (refusal === null) continue;
    const what = family === 0 ? `${name} has the address ${address}, and ` : `${name}: `;
    throw new HoldfastError('address_refused', `${what}${refusal}`);
  }
  return addresses;
}

async function resolved(name: string, resolve: Resolver): Promise<readonly ResolvedAddress[]> {
  let found: readonly ResolvedAddress[];
  try {
    found = await resolve(name);
  } catch (error) {
    throw new HoldfastError('host_unresolved', `the name ${name} cannot be resolved`, { cause: error });
  }
  if (found.length === 0) throw new HoldfastError('host_unresolved', `the name ${name} has no address`);
  return found;
}
