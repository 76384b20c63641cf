/** Reed–Solomon correction over GF(256) with the polynomial of ISO/IEC 18004. */

const POLYNOMIAL = 0x11d;
const FIELD = 255;
const powers = new Uint8Array(FIELD * 2);
const logarithms = new Uint8Array(FIELD + 1);
for (let i = 0, value = 1; i < FIELD; i += 1) {
  powers[i] = value;
  powers[i + FIELD] = value;
  logarithms[value] = i;
  value = value << 1 > FIELD ? (value << 1) ^ POLYNOMIAL : value << 1;
}

const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : powers[logarithms[a]! + logarithms[b]!]!);

/** The product of (x − 2^i), highest power first, without its leading one. */
function generator(length: number): number[] {
  let factors = [1];
  for (let i = 0; i < length; i += 1) {
    const root = powers[i]!;
    factors = [...factors, 0].map((one, at) => one ^ times(factors[at - 1] ?? 0, root));
  }
  return factors.slice(1);
}

/** `length` bytes that let a reader mend half as many. */
export function errorCorrection(data: readonly number[], length: number): number[] {
  const factors = generator(length);
  const rest = new Array<number>(length).fill(0);
  for (const byte of data) {
    const lead = byte ^ rest.shift()!;
    rest.push(0);
    factors.forEach((factor, i) => {
      rest[i]! ^= times(factor, lead);
    });
  }
  return rest;
}
