/** Text such as `COPY` gives it: invented rows, the same for the same numbers, compressing about 3:1. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const WORDS = (
  'order invoice pending shipped returned customer notice urgent north south delivery warehouse account renewal ' +
  'payment refund partial confirmed manual review contact phone letter monthly yearly standard express'
).split(' ');
const ROWS_A_PIECE = 4096;

/** One 32-bit number from two, well mixed (murmur3's finaliser). */
function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const hex = (value: number) => value.toString(16).padStart(8, '0');
const two = (value: number) => String(value).padStart(2, '0');

/** Row `n`; another `version` of it differs where an update would: state, time, amount. */
export function dumpRow(n: number, version: number): string {
  const a = mix(n, 1);
  const b = mix(n, 2);
  const changed = mix(n, 100 + version);
  const day = `2026-${two(1 + (changed % 12))}-${two(1 + ((changed >>> 4) % 28))}`;
  const time = `${two((changed >>> 9) % 24)}:${two((changed >>> 14) % 60)}:${two((changed >>> 20) % 60)}`;
  const note = Array.from({ length: 2 + (a % 7) }, (_, i) => WORDS[mix(n, 10 + i) % WORDS.length]).join(' ');
  const uuid = `${hex(a)}-${hex(b).slice(0, 4)}-4${hex(b).slice(5)}-a${hex((a ^ b) >>> 0).slice(0, 3)}-${hex(mix(n, 3))}0001`;
  return (
    `${n}\t${uuid}\tuser${a % 90_000}@example.com\t${WORDS[changed % 6]}\t${day} ${time}.${changed % 1000}+00\t` +
    `${((changed % 1_000_000) / 100).toFixed(2)}\t${b % 5000}\t${note}\t\\N\tt\n`
  );
}

/** Pieces of a dump of at least `sizeBytes`. `isChanged` names the rows that come in their second version. */
export function* dumpPieces(
  sizeBytes: number,
  isChanged: (n: number) => boolean = () => false,
): Generator<string> {
  for (let made = 0, n = 1; made < sizeBytes; ) {
    let piece = '';
    for (const end = n + ROWS_A_PIECE; n < end; n += 1) piece += dumpRow(n, isChanged(n) ? 1 : 0);
    made += piece.length;
    yield piece;
  }
}

/** Scattered rows, `percent` of all. */
export function scattered(percent: number): (n: number) => boolean {
  return (n) => mix(n, 7) % 10_000 < percent * 100;
}

export async function writeDump(
  file: string,
  sizeBytes: number,
  isChanged?: (n: number) => boolean,
): Promise<void> {
  const out = createWriteStream(file, { mode: 0o600 });
  for (const piece of dumpPieces(sizeBytes, isChanged)) {
    if (!out.write(piece, 'latin1')) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
