/**
 * What a file's times can tell. The clock of a file system ticks: two writes in one tick leave the same times. And a
 * write sets them when it begins, not when it ends: a file can change after both looks at it.
 */
import type { BigIntStats } from 'node:fs';

/** Covers kernels that tick 50 times a second or faster, and any single write that takes less than this. */
const TICK_NS = 20_000_000n;
/** Large files may be written in large calls, which take longer. */
const LARGE_TICK_NS = 100_000_000n;
const LARGE_BYTES = 1n << 20n;
/** File systems that keep whole seconds, or pairs of them. */
const COARSE_TICK_NS = 2_000_000_000n;

const isCoarse = (changedAtNs: bigint) => changedAtNs % 1_000_000_000n === 0n;
const nowNs = () => BigInt(Date.now()) * 1_000_000n;

/**
 * True when a file was left alone long enough for its times to betray every write from now on. A change time in
 * the future says nothing, nor does a coarse one; both count as quiet, or such files could never be read.
 */
export function isQuiet(
  { ctimeNs, size }: Pick<BigIntStats, 'ctimeNs' | 'size'>,
  now: bigint = nowNs(),
): boolean {
  const age = now - ctimeNs;
  return age < 0n || isCoarse(ctimeNs) || age >= (size > LARGE_BYTES ? LARGE_TICK_NS : TICK_NS);
}

/** True when nothing that betrays a write differs between two looks at a file. */
export function heldStill(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}

/**
 * The change time to store: 0, which no file has, where the next run could not tell the file from one changed
 * after it was read. So that run reads it again.
 */
export function trustedChangeTime(changedAtNs: bigint, now: bigint = nowNs()): bigint {
  return now - changedAtNs < (isCoarse(changedAtNs) ? COARSE_TICK_NS : TICK_NS) ? 0n : changedAtNs;
}
