import { createHash } from 'node:crypto';
import type { LargeObjectFacts } from './facts.ts';

/** Digests large objects one after the other: `begin`, `append`…, `finish` for each, `block` behind each block. */
export function largeObjectDigest() {
  const all = createHash('sha256');
  const blocks: LargeObjectFacts['blocks'][number][] = [];
  let current = createHash('sha256');
  let oid = 0;
  let size = 0;
  let count = 0;
  let sizeBytes = 0;
  return {
    begin(newOid: number) {
      oid = newOid;
      size = 0;
      current = createHash('sha256');
    },
    append(bytes: Buffer) {
      current.update(bytes);
      size += bytes.length;
    },
    finish() {
      all.update(`${oid} ${size} ${current.digest('hex')}\n`);
      count += 1;
      sizeBytes += size;
    },
    block(range: LargeObjectFacts['blocks'][number]) {
      blocks.push(range);
    },
    end: (): LargeObjectFacts => ({ count, sizeBytes, sha256: all.digest('hex'), blocks }),
  };
}
