import assert from 'node:assert/strict';
import type { Hash } from 'node:crypto';
import type { ByteSink, TreeEntry, TreeSink } from '../../src/engine/sources/port.ts';

export interface SinkHooks {
  /** Makes the write of this number, from 1, wait or fail. */
  readonly onWrite?: (count: number) => Promise<void>;
}

export interface DigestSink {
  readonly stream: ByteSink;
  readonly tree: TreeSink;
  /** True while a write has not resolved. */
  isWaiting(): boolean;
  writes(): number;
}

/** Hashes what it is given, and fails on a call that comes before the last one resolved. */
export function digestSink(hash: Hash, { onWrite }: SinkHooks): DigestSink {
  let count = 0;
  let waiting = false;
  const take = (bytes: Uint8Array): void | Promise<void> => {
    assert.equal(waiting, false, 'a write came before the last one resolved');
    count += 1;
    hash.update(bytes);
    if (!onWrite) return;
    waiting = true;
    return onWrite(count).finally(() => {
      waiting = false;
    });
  };
  const cut = () => assert.equal(waiting, false, 'a cut came before the last write resolved');
  const tree: TreeSink = {
    add: (entry) => take(recordOf(entry)),
    canReuse: () => false,
    begin() {},
    write: take,
    commit: (entry) => take(recordOf(entry)),
    abort() {},
  };
  return { stream: { write: take, cut }, tree, isWaiting: () => waiting, writes: () => count };
}

/** Enough of an entry to tell two trees apart. */
function recordOf({ path, type, mode, sizeBytes }: TreeEntry): Buffer {
  return Buffer.concat([path, Buffer.from(`\0${type} ${mode} ${sizeBytes}\n`)]);
}
