/** Seals and opens what lies inside a pack. Layout: docs/format.md section 4. */
import { createSecretKey } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { gcmOpen, gcmSeal, gcmSealInto } from './gcm.ts';
import { counterNonce, MAX_COUNTER } from './nonce.ts';

const BLOCK = 0;
const TABLE = 1;

export interface PackSealer {
  /** Seals the next block; blocks count up from 0 in the order of the calls. */
  sealBlock(record: Uint8Array): Buffer;
  /** The same for a record in parts, into `target` at `at`. Returns where the sealed block ends. */
  sealBlockInto(record: readonly Uint8Array[], target: Uint8Array, at: number): number;
  /** Seals the table of contents, once; nothing can be sealed afterwards. */
  sealTable(table: Uint8Array): Buffer;
}

export interface PackOpener {
  /** The record of block `i`. Throws `object_damaged` when its tag does not verify. */
  openBlock(i: number, stored: Uint8Array): Buffer;
  /** Throws `object_damaged`. */
  openTable(stored: Uint8Array): Buffer;
}

/**
 * Seals one pack. `key` and `header` come from one `newHeader` call and belong to this sealer alone: it counts
 * the nonces, and throws `internal` before they would repeat (`maxBlocks` lowers that bound, never raises it).
 */
export function packSealer(input: {
  readonly key: Uint8Array;
  readonly header: Uint8Array;
  readonly maxBlocks?: number;
}): PackSealer {
  const { header, maxBlocks = MAX_COUNTER } = input;
  const key = createSecretKey(input.key);
  let blocks = 0;
  let ended = false;
  const refuseWhenEnded = () => {
    if (ended) throw new HoldfastError('internal', 'the pack already has its table');
  };
  const nextNonce = () => {
    refuseWhenEnded();
    const nonce = counterNonce(BLOCK, blocks, maxBlocks);
    blocks += 1;
    return nonce;
  };
  return {
    sealBlock: (record) => gcmSeal(key, nextNonce(), header, record),
    sealBlockInto: (record, target, at) =>
      gcmSealInto({ key, nonce: nextNonce(), aad: header, parts: record, target, at }),
    sealTable(table) {
      refuseWhenEnded();
      ended = true;
      return gcmSeal(key, counterNonce(TABLE, 0), header, table);
    },
  };
}

/** Opens blocks of one pack in any order. `key` comes from `openHeader` over the same `header`. */
export function packOpener(input: { readonly key: Uint8Array; readonly header: Uint8Array }): PackOpener {
  const { header } = input;
  const key = createSecretKey(input.key);
  return {
    openBlock(i, stored) {
      const inRange = Number.isInteger(i) && i >= 0 && i < MAX_COUNTER;
      const record = inRange ? gcmOpen(key, counterNonce(BLOCK, i), header, stored) : null;
      if (record === null)
        throw new HoldfastError('object_damaged', `block ${i} of the pack is not authentic`);
      return record;
    },
    openTable(stored) {
      const table = gcmOpen(key, counterNonce(TABLE, 0), header, stored);
      if (table === null) throw new HoldfastError('object_damaged', 'table of the pack is not authentic');
      return table;
    },
  };
}
