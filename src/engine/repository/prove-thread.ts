/** A thread that proves packs: name, table, and every block but differences, which take bases from other packs. */
import { createSecretKey } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { asBuffer } from '../base/bytes.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import { packOpener } from '../crypto/pack-cipher.ts';
import { badChunksOf, blocksOf, checkName, checkTable, type PackBytes } from './pack-proof.ts';
import type { ProveAnswer, ProveSetup, ProveTask } from './pack-provers.ts';

const idKey = createSecretKey((workerData as ProveSetup).chunkIdKey);

/** Whatever is wrong, the main thread finds out again, and says it. */
function isProven(task: ProveTask, pack: PackBytes): boolean {
  try {
    checkName(pack);
    const opener = packOpener(task);
    let tableAt = HEADER_BYTES;
    for (const one of blocksOf(pack)) {
      const isDifference = one.block.bases.length > 0;
      if (!isDifference && badChunksOf(opener, idKey, one, null).length > 0) return false;
      tableAt = one.endsAt;
    }
    checkTable(opener, pack, tableAt);
    return true;
  } catch {
    return false;
  }
}

parentPort!.on('message', (task: ProveTask) => {
  const { pack, bytes, table } = task;
  const answer: ProveAnswer = {
    bytes,
    isProven: isProven(task, { pack, bytes: asBuffer(bytes), table: asBuffer(table) }),
  };
  parentPort!.postMessage(answer, [bytes.buffer as ArrayBuffer]);
});
