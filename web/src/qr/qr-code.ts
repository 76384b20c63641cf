/**
 * QR codes after ISO/IEC 18004:2015: byte mode, versions 1 to 10, error correction M. Enough for the address of an authenticator, which
 * holds a secret and must be drawn where it is shown.
 */
import { errorCorrection } from './reed-solomon.ts';

/** True for a dark module; rows from the top. */
export type QrMatrix = readonly (readonly boolean[])[];

/** Of each version at level M: bytes of correction in a block, and how many data bytes each block has. */
const BLOCKS: readonly (readonly [correction: number, data: readonly number[]])[] = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];
const ALIGNMENT: readonly (readonly number[])[] = [
  ...[[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]],
];
const BYTE_MODE = 0b0100;
/** From this version on, the length has two bytes. */
const LONG_FROM = 10;
const PADDING = [0xec, 0x11];

/** Null when the text is too long: more than 213 bytes of UTF-8. */
export function qrCode(text: string): QrMatrix | null {
  const bytes = new TextEncoder().encode(text);
  const index = BLOCKS.findIndex(([, data], i) => bytes.length + headBytes(i + 1) <= sum(data));
  if (index < 0) return null;
  const version = index + 1;
  const codewords = interleaved(dataCodewords(bytes, version), BLOCKS[index]!);
  const grid = emptyGrid(version);
  placeData(grid, codewords);
  return bestMasked(grid);
}

const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);
/** Mode and length take 12 or 20 bits: with the terminator, two or three bytes are gone. */
const headBytes = (version: number) => (version >= LONG_FROM ? 3 : 2);

function dataCodewords(bytes: Uint8Array, version: number): number[] {
  const lengthBits = version >= LONG_FROM ? 16 : 8;
  const bits: number[] = [];
  const push = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i -= 1) bits.push((value >> i) & 1);
  };
  push(BYTE_MODE, 4);
  push(bytes.length, lengthBits);
  for (const byte of bytes) push(byte, 8);
  push(0, 4);
  const words: number[] = [];
  for (let i = 0; i < bits.length; i += 8) words.push(Number.parseInt(bits.slice(i, i + 8).join(''), 2));
  const capacity = sum(BLOCKS[version - 1]![1]);
  for (let i = 0; words.length < capacity; i += 1) words.push(PADDING[i % 2]!);
  return words;
}

/** Blocks woven into one another, so that a stain spoils a little of each. */
function interleaved(words: readonly number[], [correction, sizes]: (typeof BLOCKS)[number]): number[] {
  let from = 0;
  const blocks = sizes.map((size) => {
    from += size;
    return words.slice(from - size, from);
  });
  const corrections = blocks.map((block) => errorCorrection(block, correction));
  const columns = (rows: readonly (readonly number[])[], length: number) =>
    Array.from({ length }, (_, i) => rows.flatMap((row) => (i < row.length ? [row[i]!] : []))).flat();
  return [...columns(blocks, Math.max(...sizes)), ...columns(corrections, correction)];
}

interface Grid {
  readonly size: number;
  readonly dark: boolean[][];
  /** Patterns that tell the reader where it is: no data, no mask. */
  readonly isFixed: boolean[][];
}

function emptyGrid(version: number): Grid {
  const size = 17 + 4 * version;
  const rows = () => Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
  const grid: Grid = { size, dark: rows(), isFixed: rows() };
  const set = (x: number, y: number, isDark: boolean) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    grid.dark[y]![x] = isDark;
    grid.isFixed[y]![x] = true;
  };
  for (let i = 0; i < size; i += 1) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  const ring = (cx: number, cy: number, reach: number, isDarkAt: (distance: number) => boolean) => {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        set(cx + dx, cy + dy, isDarkAt(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  };
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const) {
    ring(cx, cy, 4, (distance) => distance !== 2 && distance !== 4);
  }
  const centres = ALIGNMENT[version - 1]!;
  for (const cy of centres) {
    for (const cx of centres) {
      // Where a finder is, there is no room.
      const isCorner = (cx === 6 && (cy === 6 || cy === size - 7)) || (cy === 6 && cx === size - 7);
      if (!isCorner) ring(cx, cy, 2, (distance) => distance !== 1);
    }
  }
  for (const [x, y] of formatPlaces(size).flat()) set(x, y, false);
  set(8, size - 8, true);
  if (version >= 7) placeVersion(version, size, set);
  return grid;
}

/** Where the fifteen bits of the format stand, twice, from the lowest bit. */
function formatPlaces(size: number): readonly (readonly [x: number, y: number])[][] {
  const first = Array.from({ length: 15 }, (_, i): [number, number] =>
    i < 6 ? [8, i] : i < 8 ? [8, i + 1] : i === 8 ? [7, 8] : [14 - i, 8],
  );
  const second = Array.from({ length: 15 }, (_, i): [number, number] =>
    i < 8 ? [size - 1 - i, 8] : [8, size - 15 + i],
  );
  return [first, second];
}

/** With its remainder by the generator, as the standard has it. */
function withRemainder(value: number, bits: number, generator: number): number {
  let rest = value;
  for (let i = 0; i < bits; i += 1) rest = (rest << 1) ^ ((rest >> (bits - 1)) * generator);
  return (value << bits) | rest;
}

function placeVersion(version: number, size: number, set: (x: number, y: number, dark: boolean) => void) {
  const bits = withRemainder(version, 12, 0x1f25);
  for (let i = 0; i < 18; i += 1) {
    const isDark = ((bits >> i) & 1) === 1;
    const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
    set(a, b, isDark);
    set(b, a, isDark);
  }
}

/** In pairs of columns from the right, up and down, around everything fixed. */
function placeData({ size, dark, isFixed }: Grid, codewords: readonly number[]): void {
  let bit = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      for (const x of [right, right - 1]) {
        const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
        if (isFixed[y]![x]) continue;
        dark[y]![x] = (((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        bit += 1;
      }
    }
  }
}

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];
const LEVEL_M = 0b00;
const FORMAT_MASK = 0x5412;

/** With the mask that a reader has least trouble with. */
function bestMasked(grid: Grid): QrMatrix {
  const all = MASKS.map((mask, i) => masked(grid, mask, i));
  const penalties = all.map(penaltyOf);
  return all[penalties.indexOf(Math.min(...penalties))]!;
}

function masked({ size, dark, isFixed }: Grid, mask: (typeof MASKS)[number], number: number): boolean[][] {
  const result = dark.map((row, y) => row.map((one, x) => (isFixed[y]![x] ? one : one !== mask(x, y))));
  const bits = withRemainder((LEVEL_M << 3) | number, 10, 0x537) ^ FORMAT_MASK;
  for (const places of formatPlaces(size)) {
    places.forEach(([x, y], i) => {
      result[y]![x] = ((bits >> i) & 1) === 1;
    });
  }
  return result;
}

/** Runs, blocks, what looks like a finder, and too much of one colour. */
function penaltyOf(rows: QrMatrix): number {
  const columns = rows.map((_, x) => rows.map((row) => row[x]!));
  const lines = [...rows, ...columns].map((line) => line.map((dark) => (dark ? '1' : '0')).join(''));
  let penalty = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) penalty += run.length - 2;
    penalty += 40 * [...line.matchAll(/(?=00001011101|10111010000)/g)].length;
  }
  let darkCount = 0;
  rows.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (dark) darkCount += 1;
      const next = rows[y + 1];
      if (next && x + 1 < row.length && [row[x + 1], next[x], next[x + 1]].every((one) => one === dark))
        penalty += 3;
    });
  });
  const share = (darkCount * 100) / rows.length ** 2;
  return penalty + 10 * Math.floor(Math.abs(share - 50) / 5);
}
