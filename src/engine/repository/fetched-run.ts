import { freeNow } from '../base/bytes.ts';
import { type PackOpener, packOpener } from '../crypto/pack-cipher.ts';
import { type BlockRun, blockIn } from './block-runs.ts';
import type { ChunkPlace } from './chunk-index.ts';
import { packName } from './object-names.ts';
import { type BlockPort, packKeys } from './pack-keys.ts';
import type { PackKey } from './pack-reader.ts';

/** Blocks of one request. */
export interface FetchedRun {
  /** Resolves when its blocks can be opened. Throws what storage and the pack's key throw. */
  readonly arrived: Promise<void>;
  readonly isHere: boolean;
  /** The record of one of its blocks, once: what was fetched goes with the last. Call it when the run is here. Throws `object_damaged`. */
  open(place: ChunkPlace): Buffer;
}

/** Fetches runs of blocks with what opens them. Throws what storage and the pack's key throw. */
export function runReader(port: BlockPort): (run: BlockRun) => Promise<{ readonly bytes: Buffer } & PackKey> {
  const { storage, index } = port;
  const keyOf = packKeys(port);
  return async ({ packNumber, offset, lengthBytes }) => {
    const stored = storage.get(packName(index.packs[packNumber]!), { offset, length: lengthBytes });
    const [bytes, key] = await Promise.all([stored, keyOf(packNumber)]);
    return { bytes, ...key };
  };
}

/** Fetches runs of blocks, and opens them with the keys of their packs. */
export function runFetcher(port: BlockPort): (run: BlockRun) => FetchedRun {
  const read = runReader(port);
  return (run) => {
    let here: { readonly bytes: Buffer; readonly opener: PackOpener } | null = null;
    let unopened = run.blocks.length;
    const arrived = read(run).then(({ bytes, ...key }) => {
      here = { bytes, opener: packOpener(key) };
    });
    // Told to whoever waits for one of its blocks; perhaps nobody does.
    arrived.catch(() => {});
    return {
      arrived,
      get isHere() {
        return here !== null;
      },
      open(place) {
        const { bytes, opener } = here!;
        unopened -= 1;
        try {
          return opener.openBlock(place.blockOfPack, blockIn(run, bytes, place));
        } finally {
          if (unopened === 0) freeNow(bytes);
        }
      },
    };
  };
}
