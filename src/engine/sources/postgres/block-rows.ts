import type { ErrorCode } from '../../base/errors.ts';
import { archiveFailure } from './archive-toc.ts';
import { BLK_DATA, NUMBER_BYTES } from './block-parser.ts';
import type { TableFacts } from './facts.ts';
import { rowDigest } from './row-digest.ts';

/**
 * The COPY text inside one data block, without framing and end marker: `onRows` gets it in large pieces, which are valid
 * during the call, and is given time by `afterPiece`. Throws `failure` at its end when the block is not the one
 * described, or when hash or row count differ: whoever loads it in a transaction then loads nothing.
 */
export async function eachRows(
  block: AsyncIterable<Buffer>,
  table: TableFacts,
  onRows: (bytes: Buffer) => void,
  afterPiece: (bytes: Buffer) => void | Promise<void> = () => {},
  failure: ErrorCode = 'restore_mismatch',
): Promise<void> {
  const digest = rowDigest(onRows);
  const walk = frameWalker(table, digest.append, failure);
  for await (const bytes of block) {
    walk.push(bytes);
    await afterPiece(bytes);
  }
  walk.end();
  const found = digest.finish();
  if (!found.terminated || found.sha256 !== table.sha256 || found.rows !== table.rows) {
    throw archiveFailure(failure, `the data of ${table.schema}.${table.name} is not what was backed up`);
  }
}

/** Follows the framing: type, id, then lengths and payloads up to a length of zero. */
function frameWalker(
  table: TableFacts,
  onPayload: (bytes: Buffer, start: number, end: number) => void,
  failure: ErrorCode,
) {
  const wrong = (detail: string) => archiveFailure(failure, `${table.schema}.${table.name}: ${detail}`);
  const header = Buffer.alloc(1 + NUMBER_BYTES);
  let wanted = header.length;
  let used = 0;
  let left = 0;
  let begun = false;
  let ended = false;

  function onHeader(): void {
    if (!begun) {
      const isIt = header[0] === BLK_DATA && header[1] === 0 && header.readUInt32LE(2) === table.dumpId;
      if (!isIt) throw wrong('another block is at its place');
      begun = true;
      wanted = NUMBER_BYTES;
    } else if (header[0] !== 0) {
      throw wrong('a length is negative');
    } else {
      left = header.readUInt32LE(1);
      ended = left === 0;
    }
    used = 0;
  }

  return {
    push(bytes: Buffer) {
      let at = 0;
      while (at < bytes.length) {
        if (ended) throw wrong('it goes on behind its end');
        const count = Math.min(left > 0 ? left : wanted - used, bytes.length - at);
        if (left > 0) {
          onPayload(bytes, at, at + count);
          left -= count;
        } else {
          bytes.copy(header, used, at, at + count);
          used += count;
          if (used === wanted) onHeader();
        }
        at += count;
      }
    },
    end() {
      if (!ended) throw wrong('it is cut short');
    },
  };
}
