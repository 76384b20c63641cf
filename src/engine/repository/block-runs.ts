import type { ChunkPlace } from './chunk-index.ts';

/** A gap this small is cheaper to read than another request. */
const GAP_BYTES = 64 * 1024;
const RUN_BYTES = 4 * 2 ** 20;

/** Blocks of one pack that lie together, ascending: one request. */
export interface BlockRun {
  readonly packNumber: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly blocks: readonly ChunkPlace[];
}

/** Sorts blocks into as few runs as make sense. Each block once. */
export function blockRuns(places: Iterable<ChunkPlace>): BlockRun[] {
  const blocks = [...new Map([...places].map((place) => [place.blockNumber, place])).values()];
  blocks.sort((a, b) => a.packNumber - b.packNumber || a.blockOffset - b.blockOffset);
  const runs: ChunkPlace[][] = [];
  for (const block of blocks) {
    const run = runs.at(-1);
    if (run && fits(run[0]!, run.at(-1)!, block)) run.push(block);
    else runs.push([block]);
  }
  return runs.map((run) => {
    const { packNumber, blockOffset: offset } = run[0]!;
    return { packNumber, offset, lengthBytes: endOf(run.at(-1)!) - offset, blocks: run };
  });
}

const endOf = ({ blockOffset, blockStoredBytes }: ChunkPlace) => blockOffset + blockStoredBytes;

function fits(first: ChunkPlace, last: ChunkPlace, next: ChunkPlace): boolean {
  const gap = next.blockOffset - endOf(last);
  return (
    next.packNumber === last.packNumber && gap <= GAP_BYTES && endOf(next) - first.blockOffset <= RUN_BYTES
  );
}

/** The bytes of one block out of those of its run. */
export function blockIn(run: BlockRun, bytes: Buffer, block: ChunkPlace): Buffer {
  const start = block.blockOffset - run.offset;
  return bytes.subarray(start, start + block.blockStoredBytes);
}
