import { type BigIntStats, closeSync, fstatSync, read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../../base/errors.ts';
import type { Content, TreeEntry, TreeSink } from '../port.ts';
import { dataRegions, type Region, WORTH_ASKING_BYTES } from './data-regions.ts';
import { heldStill, isQuiet } from './file-times.ts';
import { type FolderHandle, openFileBeneath } from './handles.ts';
import { type HoleFinder, holeFinder } from './holes.ts';
import { RETRY_DELAYS_MS, readFailure } from './read-files.ts';
import { READ } from './walk-batch.ts';

const PIECE_BYTES = 1 << 20;
/** One piece is handed on while the next is read. */
const PIECES = 2;

export interface LargeRead {
  /** `READ.done`, or why not. After `done` the sink's content is open and waits for its commit. */
  readonly state: number;
  /** The file's status while it was read; null unless done. */
  readonly stat: BigIntStats | null;
  readonly extents: TreeEntry['extents'];
}

/** Which file the walk saw. */
interface Seen {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface LargeReader {
  read(root: FolderHandle, path: string, seen: Seen, previous: Content | null): Promise<LargeRead>;
}

function readPiece(fd: number, piece: Buffer, position: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  read(fd, piece, 0, piece.length, position, (error, got) => (error ? reject(error) : resolve(got)));
  promise.catch(() => {});
  return promise;
}

/** As `readPiece`, but full unless the file ends, so that pieces begin at whole blocks. */
async function readFull(fd: number, piece: Buffer, position: number): Promise<number> {
  let got = await readPiece(fd, piece, position);
  while (got > 0 && got < piece.length) {
    const more = await readPiece(fd, piece.subarray(got), position + got);
    if (more === 0) break;
    got += more;
  }
  return got;
}

type Take = (bytes: Buffer) => void | Promise<void>;

/** Reads [begin, end) with two buffers in turn; the result is where the file, or the range, ended. */
async function pump(
  fd: number,
  pieces: readonly Buffer[],
  [begin, end]: Region,
  take: Take,
): Promise<number> {
  let position = begin;
  let turn = 0;
  const start = () => {
    const piece = pieces[turn]!.subarray(0, Math.min(PIECE_BYTES, end - position));
    const got = piece.length === 0 ? Promise.resolve(0) : readFull(fd, piece, position);
    got.catch(() => {});
    return got;
  };
  let ahead = start();
  for (;;) {
    const piece = pieces[turn]!;
    const got = await ahead;
    if (got === 0) return position;
    position += got;
    turn = (turn + 1) % pieces.length;
    ahead = start();
    try {
      const taken = take(piece.subarray(0, got));
      if (taken) await taken;
    } catch (error) {
      // The buffer must not be written to any more once the caller may close the file.
      await ahead.catch(() => {});
      throw error;
    }
  }
}

/** As `pump` over the whole file, but skips what the file system knows to be holes. */
async function pumpSparse(
  fd: number,
  pieces: readonly Buffer[],
  stat: BigIntStats,
  finder: HoleFinder,
): Promise<number> {
  const sizeBytes = Number(stat.size);
  const everything: Region = [0, Number.MAX_SAFE_INTEGER];
  const worthAsking = sizeBytes - Number(stat.blocks) * 512 >= WORTH_ASKING_BYTES;
  const regions = worthAsking ? await dataRegions(fd, sizeBytes) : null;
  if (regions === null) return pump(fd, pieces, everything, finder.feed);
  let position = 0;
  for (const region of regions) {
    finder.skip(region[0] - position);
    position = await pump(fd, pieces, region, finder.feed);
    if (position < region[1]) return position;
  }
  finder.skip(sizeBytes - position);
  return sizeBytes;
}

/** Streams files of any size into the sink with two buffers of 1 MiB. One at a time. A file read again counts again. */
export function largeReader(
  sink: TreeSink,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): LargeReader {
  const pieces = Array.from({ length: PIECES }, () => Buffer.allocUnsafeSlow(PIECE_BYTES));

  let sinkFailed = false;
  const write = async (bytes: Uint8Array) => {
    try {
      signal.throwIfAborted();
      await sink.write(bytes);
      onBytes(bytes.length);
    } catch (error) {
      sinkFailed = true;
      throw error;
    }
  };

  const attempt = async (fd: number, previous: Content | null): Promise<LargeRead> => {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) return { state: READ.gone, stat: null, extents: null };
    if (!isQuiet(before)) return { state: READ.changing, stat: null, extents: null };
    const finder = Number(before.blocks) * 512 < Number(before.size) ? holeFinder(write) : null;
    await sink.begin(previous);
    try {
      const got = finder
        ? await pumpSparse(fd, pieces, before, finder)
        : await pump(fd, pieces, [0, Number.MAX_SAFE_INTEGER], write);
      const after = fstatSync(fd, { bigint: true });
      if (got === Number(after.size) && heldStill(before, after)) {
        return { state: READ.done, stat: after, extents: finder?.end() ?? null };
      }
    } catch (error) {
      sink.abort();
      throw error;
    }
    sink.abort();
    return { state: READ.changing, stat: null, extents: null };
  };

  const once = async (
    root: FolderHandle,
    path: string,
    seen: Seen,
    previous: Content | null,
  ): Promise<LargeRead> => {
    let fd = -1;
    try {
      fd = openFileBeneath(root, path, seen);
      return await attempt(fd, previous);
    } catch (error) {
      // Only what the file system said is about this file; a failing sink ends the run.
      if (sinkFailed || systemCode(error) === null) throw error;
      return { state: readFailure(error), stat: null, extents: null };
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  };

  return {
    async read(root, path, seen, previous) {
      for (let i = 0; ; i += 1) {
        const result = await once(root, path, seen, previous);
        const delayMs = RETRY_DELAYS_MS[i];
        if (result.state !== READ.changing || delayMs === undefined) return result;
        await sleep(delayMs, undefined, { signal });
      }
    },
  };
}
