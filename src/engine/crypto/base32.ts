/** Crockford's base32 (https://www.crockford.com/base32.html), without its check symbol. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const VALUES = new Map<string, number>([
  ...[...ALPHABET].map((symbol, value): [string, number] => [symbol, value]),
  ['O', 0],
  ['I', 1],
  ['L', 1],
]);

/** Upper-case symbols, most significant bits first, zero bits filling the last symbol. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

/** Null for a symbol outside the alphabet, a length no bytes encode to, or filling bits that are not zero. */
export function decodeBase32(text: string): Buffer | null {
  const out: number[] = [];
  let held = 0;
  let bits = 0;
  for (const symbol of text.toUpperCase()) {
    const value = VALUES.get(symbol);
    if (value === undefined) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((held >> bits) & 255);
      held &= (1 << bits) - 1;
    }
  }
  return bits >= 5 || held !== 0 ? null : Buffer.from(out);
}
