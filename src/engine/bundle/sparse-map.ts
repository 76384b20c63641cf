/** The map in front of a sparse file's data: GNU tar's sparse format 1.0 (GNU tar manual, "PAX 1.0"). */
import type { Extent } from './bundle-item.ts';
import { limitExceeded, malformed } from './limits.ts';
import { BLOCK_BYTES, paddingOf } from './tar-block.ts';

export const MAX_MAP_BYTES = 8 * 2 ** 20;

/**
 * Decimal lines: number of extents, then offset and length of each; zeros up to a whole block. A hole at the end
 * is told by an empty extent behind it, or plain tar would make the file too short.
 */
export function encodeSparseMap(extents: readonly Extent[], realSize: number): Buffer {
  const last = extents.at(-1);
  const all = last && last[0] + last[1] === realSize ? extents : [...extents, [realSize, 0] as const];
  const text = `${all.length}\n${all.map(([offset, length]) => `${offset}\n${length}\n`).join('')}`;
  return Buffer.from(text + '\0'.repeat(paddingOf(text.length)));
}

/**
 * Reads the map, block by block, and gives the extents and the bytes read. Extents must ascend without touching
 * before their end and lie within `realSize`.
 */
export async function readSparseMap(
  readBlock: () => Buffer | Promise<Buffer>,
  realSize: number,
): Promise<{ extents: Extent[]; mapBytes: number }> {
  const numbers: number[] = [];
  let wanted = 1;
  let text = '';
  let mapBytes = 0;
  while (numbers.length < wanted) {
    if (mapBytes >= MAX_MAP_BYTES) throw limitExceeded('a sparse map', MAX_MAP_BYTES);
    text += (await readBlock()).toString('latin1');
    mapBytes += BLOCK_BYTES;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    if (text.length > BLOCK_BYTES) throw malformed('has a sparse map that does not parse');
    for (const line of lines) {
      if (numbers.length === wanted) break;
      if (!/^\d{1,15}$/.test(line)) throw malformed('has a sparse map that does not parse');
      numbers.push(Number(line));
      if (numbers.length === 1) wanted = 1 + 2 * numbers[0]!;
    }
  }
  const extents: Extent[] = [];
  let end = 0;
  for (let i = 1; i < wanted; i += 2) {
    const [offset, length] = [numbers[i]!, numbers[i + 1]!];
    if (offset < end || offset + length > realSize) throw malformed('has a sparse map that does not add up');
    end = offset + length;
    if (length > 0) extents.push([offset, length]);
  }
  return { extents, mapBytes };
}
