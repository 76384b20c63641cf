import { pathTable } from './path-table.ts';
import type { PlacedFile } from './restore-entries.ts';

/** Files placed so far that further names will refer to, in flat memory. Paths are latin1. */
export interface PlacedFiles {
  add(path: string, file: PlacedFile): void;
  get(path: string): PlacedFile | null;
  readonly memoryBytes: number;
}

export function placedFiles(): PlacedFiles {
  const paths = pathTable();
  /** Device and inode. */
  let identities = new BigUint64Array(64);
  return {
    add(path, { dev, ino }) {
      const number = paths.enter(Buffer.from(path, 'latin1'));
      if (2 * number + 2 > identities.length) {
        const next = new BigUint64Array(Math.ceil(identities.length * 1.25) & ~1);
        next.set(identities);
        identities = next;
      }
      identities[2 * number] = dev;
      identities[2 * number + 1] = ino;
    },
    get(path) {
      const number = paths.find(Buffer.from(path, 'latin1'));
      return number < 0 ? null : { dev: identities[2 * number]!, ino: identities[2 * number + 1]! };
    },
    get memoryBytes() {
      return paths.memoryBytes + identities.byteLength;
    },
  };
}
