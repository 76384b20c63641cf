/** Reads the tar of a bundle: strictly what a bundle may hold, counting everything itself. */
import { streamOf } from '../base/bytes.ts';
import type { BundleItem, BundleItemKind, Extent } from './bundle-item.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';
import { checkEntryPath, unsafe } from './entry-path.ts';
import { type BundleLimits, limitExceeded, malformed } from './limits.ts';
import { readSparseMap } from './sparse-map.ts';
import { BLOCK_BYTES, paddingOf } from './tar-block.ts';
import { readTarHeader } from './tar-header.ts';

export interface TarEntry {
  readonly item: BundleItem;
  /** The bytes of the header and of a sparse map, as they stand in the tar. */
  readonly raw: readonly Buffer[];
}

/**
 * Yields entries in order. Content not read when the next entry is asked for is skipped. `observe` sees every byte
 * behind an entry's `raw`. Ends only after the end mark and the end of the stream.
 * Throws `bundle_malformed`, `path_unsafe`, `limit_exceeded`.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: BundleLimits,
  observe: (bytes: Buffer) => void = () => {},
): AsyncGenerator<TarEntry> {
  const reader = byteReader(source);
  let entries = 0;
  try {
    while (true) {
      const raw: Buffer[] = [];
      const next = (bytes: number) => {
        const piece = reader.exactly(bytes);
        return piece instanceof Promise ? piece.then(kept) : kept(piece);
      };
      const kept = (piece: Buffer) => {
        raw.push(piece);
        return piece;
      };
      const header = await readTarHeader(next);
      if (header === null) break;
      entries += 1;
      if (entries > limits.maxEntries) throw limitExceeded('entries', limits.maxEntries);
      checkEntryPath(header.path, limits);
      if (header.linkTarget !== null) checkLink(header.path, header.kind, header.linkTarget, limits);
      if (header.sizeBytes > limits.maxFileBytes) throw limitExceeded('a file', limits.maxFileBytes);
      let extents: Extent[] | null = null;
      let left = header.storedBytes;
      if (header.sparse) {
        const map = await readSparseMap(() => next(BLOCK_BYTES), header.sizeBytes);
        extents = map.extents;
        left -= map.mapBytes;
        const data = extents.reduce((sum, [, length]) => sum + length, 0);
        if (left !== data) throw malformed('has a sparse file whose map does not fit its data');
      }
      const body = entryBody(reader, left, observe);
      const content = header.kind === 'file' ? body.content() : null;
      const { storedBytes: _, sparse: __, ...plain } = header;
      yield { item: { ...plain, extents, content }, raw };
      await body.finish();
    }
    await expectEnd(reader);
  } finally {
    await reader.close();
  }
}

/** A hard link names an entry of the same tar; a symlink may say anything, for nothing is ever written through it. */
function checkLink(path: Buffer, kind: BundleItemKind, target: Buffer, limits: BundleLimits): void {
  if (kind === 'hardlink') checkEntryPath(target, limits);
  if (target.length > limits.maxPathBytes) throw limitExceeded('a link target', limits.maxPathBytes);
  if (target.length === 0 || target.includes(0)) throw unsafe(path, 'links to something that is no path');
}

function entryBody(reader: ByteReader, size: number, observe: (bytes: Buffer) => void): EntryBody {
  if (size === 0) return EMPTY_BODY;
  let left = size;
  const take = async () => {
    const bytes = await reader.some(left);
    left -= bytes.length;
    observe(bytes);
    return bytes;
  };
  return {
    async *content() {
      while (left > 0) yield await take();
    },
    async finish() {
      while (left > 0) await take();
      const padding = await reader.exactly(paddingOf(size));
      if (padding.some((byte) => byte !== 0)) throw malformed('has bytes between its tar entries');
      observe(padding);
    },
  };
}

interface EntryBody {
  content(): AsyncIterable<Uint8Array>;
  /** Reads what is left of the content, and the padding. */
  finish(): Promise<void> | undefined;
}

const EMPTY_BODY: EntryBody = {
  content: () => ({ [Symbol.asyncIterator]: streamOf }),
  finish: () => undefined,
};

/** The end is two blocks of zeros (the first was read) and nothing behind them. */
async function expectEnd(reader: ByteReader): Promise<void> {
  const second = await reader.exactly(BLOCK_BYTES);
  if (second.some((byte) => byte !== 0)) throw malformed('has half an end mark in its tar');
  if (!(await reader.atEnd())) throw malformed('goes on behind the end of its tar');
}
