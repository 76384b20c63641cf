/** Ways to write addresses that a server must not be talked into connecting to. */

/** What they stand for, and whether a connection to it reaches this machine. */
const TARGETS = [
  ...['127.0.0.1', '127.1.2.3', '127.255.255.254', '0.0.0.0'],
  ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
  ...['198.18.0.1', '192.0.2.1', '203.0.113.9', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
] as const;

const LITERALS = [
  ...[
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000::0001]',
    '[::]',
    '[0:0:0:0:0:0:0:0]',
    '[::127.0.0.1]',
    '[::7f00:1]',
  ],
  ...['[fe80::1]', '[fe80::a9fe:a9fe]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[fd20:ce::254]'],
  ...['[ff02::1]', '[2001:db8::1]', '[2001::7f00:1]', '[2002:7f00:1::]', '[2002:a9fe:a9fe::1]', '[3fff::1]'],
  ...['[64:ff9b:1::7f00:1]', '[100::1]', '[5f00::1]', '[4000::1]', '[::ffff:0:127.0.0.1]'],
  ...['localhost', 'LOCALHOST', 'localhost.', 'LocalHost.', 'ip6-localhost', '%6c%6f%63alhost', 'ⓛocalhost'],
  ...['①②⑦.⓪.⓪.①', '１２７.0.0.1', '127。0。0。1', '127%2e0%2e0%2e1', '127.0.0.1.', '0x7f000001.'],
  ...['user@127.0.0.1', 'public.example@127.0.0.1', 'public.example%00@127.0.0.1', ':@127.0.0.1'],
  ...['127.0.0.1#public.example', '127.0.0.1?public.example', '127.0.0.1\\public.example', '\t127.0.0.1'],
];

const bytesOf = (address: string) => address.split('.').map(Number) as [number, number, number, number];

function encodings(address: string): string[] {
  const [a, b, c, d] = bytesOf(address);
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = number.toString(16).padStart(8, '0');
  const octal = (value: number) => `0${value.toString(8)}`;
  const hexOf = (value: number) => `0x${value.toString(16)}`;
  return [
    address,
    `${number}`,
    `0x${hex}`,
    `0X${hex.toUpperCase()}`,
    octal(number),
    [a, b, c, d].map(octal).join('.'),
    [a, b, c, d].map(hexOf).join('.'),
    `${hexOf(a)}.${octal(b)}.${c}.${d}`,
    `${a}.${b}.${(c << 8) | d}`,
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${octal(a)}.${hexOf((b << 16) | (c << 8) | d)}`,
    `[::ffff:${address}]`,
    `[::FFFF:${hex.slice(0, 4)}:${hex.slice(4)}]`,
    `[0:0:0:0:0:ffff:${hex.slice(0, 4)}:${hex.slice(4)}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}]`,
  ];
}

/** Hosts as they may stand in an address of the web; more than 300. */
export const HOSTILE_HOSTS: readonly string[] = [...new Set([...TARGETS.flatMap(encodings), ...LITERALS])];
