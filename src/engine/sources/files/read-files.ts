import { closeSync, fstatSync, readSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { heldStill, isQuiet } from './file-times.ts';
import { type FolderHandle, openFileBeneath } from './handles.ts';
import { deviceOf, inodeOf, pathText, putRead, putStat, READ, type WalkBatch } from './walk-batch.ts';

/** How often a file that changed while it was read is tried again, and how long to wait before each. */
export const RETRY_DELAYS_MS = [50, 150, 300] as const;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** What an error of opening or reading says about the file. */
export function readFailure(error: unknown): number {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return READ.gone;
  if (code === 'EACCES' || code === 'EPERM') return READ.denied;
  return READ.failed;
}

/**
 * Reads small files one after the other into `slot` and notes in the batch what became of each: `done` with
 * the file status as it was while reading, `large` when it no longer fits, or why it could not be read.
 * Only bytes of a file that held still are ever marked `done`. Synchronous: made for a thread of its own.
 */
export function readFiles(
  root: FolderHandle,
  batch: WalkBatch,
  indices: Uint32Array,
  slot: Uint8Array,
): void {
  let used = 0;
  for (const i of indices) {
    for (let attempt = 0; ; attempt += 1) {
      const { state, sizeBytes } = readOnce(root, batch, i, slot, used);
      putRead(batch, i, state, used, sizeBytes);
      used += sizeBytes;
      const delayMs = RETRY_DELAYS_MS[attempt];
      if (state !== READ.changing || delayMs === undefined) break;
      Atomics.wait(sleeper, 0, 0, delayMs);
    }
  }
}

function readOnce(
  root: FolderHandle,
  batch: WalkBatch,
  i: number,
  slot: Uint8Array,
  at: number,
): { state: number; sizeBytes: number } {
  let fd = -1;
  try {
    fd = openFileBeneath(root, pathText(batch, i), { dev: deviceOf(batch, i), ino: inodeOf(batch, i) });
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) return { state: READ.gone, sizeBytes: 0 };
    const sizeBytes = Number(before.size);
    if (sizeBytes > slot.length - at) return { state: READ.large, sizeBytes: 0 };
    if (!isQuiet(before)) return { state: READ.changing, sizeBytes: 0 };
    const got = readWhole(fd, slot, at, sizeBytes);
    const after = fstatSync(fd, { bigint: true });
    if (got !== sizeBytes || !heldStill(before, after)) return { state: READ.changing, sizeBytes: 0 };
    putStat(batch, i, after);
    return { state: READ.done, sizeBytes };
  } catch (error) {
    return { state: readFailure(error), sizeBytes: 0 };
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function readWhole(fd: number, slot: Uint8Array, at: number, sizeBytes: number): number {
  let got = 0;
  while (got < sizeBytes) {
    const more = readSync(fd, slot, at + got, sizeBytes - got, null);
    if (more === 0) break;
    got += more;
  }
  return got;
}
