/**
 * What kind of address an IP address is, by the special-purpose registries of IANA (RFC 6890 and what followed). Everything
 * that is not plainly of the public internet has a kind of its own.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type AddressKind = 'public' | 'metadata' | 'loopback' | 'link-local' | 'private' | 'reserved';

type Range = readonly [network: string, prefix: number];

/** Where clouds hand out credentials to whoever asks from inside. */
const METADATA: readonly Range[] = [
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
  ['fe80::a9fe:a9fe', 128],
];

const KINDS: readonly (readonly [AddressKind, readonly Range[]])[] = [
  ['metadata', METADATA],
  [
    'loopback',
    [
      ['127.0.0.0', 8],
      ['::1', 128],
    ],
  ],
  ['link-local', [['fe80::', 10]]],
  [
    'private',
    [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['100.64.0.0', 10],
      ['fc00::', 7],
    ],
  ],
  [
    'reserved',
    [
      ['0.0.0.0', 8],
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['224.0.0.0', 4],
      ['240.0.0.0', 4],
      ['2001::', 23],
      ['2001:db8::', 32],
      ['2002::', 16],
      ['3fff::', 20],
    ],
  ],
];

const lists = KINDS.map(([kind, ranges]) => [kind, blockListOf(ranges)] as const);
/** All of the public internet in IPv6; what is outside is reserved, link-local or private. */
const globalIPv6 = blockListOf([['2000::', 3]]);

export function blockListOf(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, familyOf(network));
  return list;
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** Throws for what is no IP address. A zone (`fe80::1%eth0`) makes an address link-local. */
export function addressKind(address: string): AddressKind {
  if (address.includes('%')) return 'link-local';
  const plain = embeddedIPv4(address) ?? address;
  if (!isIPv4(plain) && !isIPv6(plain)) throw new TypeError(`${address} is no IP address`);
  const family = familyOf(plain);
  const found = lists.find(([, list]) => list.check(plain, family));
  if (found) return found[0];
  return family === 'ipv4' || globalIPv6.check(plain, 'ipv6') ? 'public' : 'reserved';
}

/**
 * The IPv4 address that an IPv6 one stands for on the wire: mapped (`::ffff:127.0.0.1`), or through NAT64 (`64:ff9b::`). Null for
 * any other. Compatible, 6to4 and Teredo addresses are not unwrapped: they are reserved as a whole.
 */
export function embeddedIPv4(address: string): string | null {
  if (!isIPv6(address)) return null;
  const words = wordsOf(address);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  const isNat64 = words[0] === 0x64 && words[1] === 0xff9b && words.slice(2, 6).every((word) => word === 0);
  if (!isMapped && !isNat64) return null;
  const [high, low] = words.slice(6) as [number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of a valid IPv6 address, as the URL parser of Node writes them. */
function wordsOf(address: string): number[] {
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::') as [string, string?];
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [left, right] = [groups(head), groups(tail)];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
