/**
 * What a file's times can tell. The clock of a file system ticks: two writes in one tick leave the same times. And a
 * write sets them when it begins, not when it ends: a file can change after both looks at it.
 */
import type { BigIntStats } from 'node:fs';

/**
 * How long a file must have been left alone before it is read. Covers the tick, and a write that was begun
 * and not yet finished: one that is suspended half-way for longer than this cannot be seen by anyone. Longer would
 * be safer, and would keep out files that are written to ten times a second, such as logs.
 */
const QUIET_NS = 100_000_000n;
/** Large files may be written in large calls, which take longer. */
const LARGE_QUIET_NS = 250_000_000n;
/** Covers kernels that tick 50 times a second or faster. */
const TICK_NS = 20_000_000n;
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
  return age < 0n || isCoarse(ctimeNs) || age >= (size > LARGE_BYTES ? LARGE_QUIET_NS : QUIET_NS);
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
