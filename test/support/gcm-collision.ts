/**
 * One ciphertext and tag that open under two keys ("Partitioning Oracle Attacks", Len, Grubbs, Ristenpart,
 * section 3.1): GHASH is a polynomial in the ciphertext blocks, so with one block free, equal tags under both
 * keys are one linear equation over GF(2^128).
 */
import { createCipheriv } from 'node:crypto';

const R = 0xe1n << 120n;

function multiply(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((x >> bit) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ R : v >> 1n;
  }
  return z;
}

function invert(x: bigint): bigint {
  // x^(2^128 - 2)
  let result = 1n << 127n;
  let square = x;
  for (let i = 1; i < 128; i += 1) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
}

const toNumber = (bytes: Uint8Array) =>
  BigInt(`0x${Buffer.from(bytes).toString('hex').padEnd(32, '0') || '0'}`);
const toBytes = (value: bigint) => Buffer.from(value.toString(16).padStart(32, '0'), 'hex');

function blockEncrypt(key: Uint8Array, block: Buffer): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return toNumber(cipher.update(block));
}

function blocksOf(bytes: Uint8Array): bigint[] {
  const blocks: bigint[] = [];
  for (let at = 0; at < bytes.length; at += 16) blocks.push(toNumber(bytes.subarray(at, at + 16)));
  return blocks;
}

/** `cipherBytes` must be a positive multiple of 16. Returns ciphertext and tag. */
export function gcmCollision(
  keys: readonly [Uint8Array, Uint8Array],
  nonce: Uint8Array,
  aad: Uint8Array,
  cipherBytes: number,
): Buffer {
  const cipher = Buffer.alloc(cipherBytes, 0x5a).fill(0, 0, 16);
  const lengths = Buffer.alloc(16);
  lengths.writeBigUInt64BE(BigInt(aad.length * 8), 0);
  lengths.writeBigUInt64BE(BigInt(cipherBytes * 8), 8);
  const blocks = [...blocksOf(aad), ...blocksOf(cipher), toNumber(lengths)];
  const free = blocksOf(aad).length;
  const first = Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]);
  let fixed = 0n;
  let factor = 0n;
  const tagOf = (key: Uint8Array, free_: bigint) => {
    const h = blockEncrypt(key, Buffer.alloc(16));
    let y = 0n;
    blocks.forEach((block, i) => {
      y = multiply(y ^ (i === free ? free_ : block), h);
    });
    return y ^ blockEncrypt(key, first);
  };
  for (const key of keys) {
    const h = blockEncrypt(key, Buffer.alloc(16));
    let power = 1n << 127n;
    for (let i = free; i < blocks.length; i += 1) power = multiply(power, h);
    factor ^= power;
    fixed ^= tagOf(key, 0n);
  }
  const solution = multiply(fixed, invert(factor));
  toBytes(solution).copy(cipher);
  return Buffer.concat([cipher, toBytes(tagOf(keys[0], solution))]);
}
