/** A worker thread of the chunk writer: ids, compression, encryption, whole packs. */
import { createHash, createHmac, createSecretKey, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSetup } from './chunk-messages.ts';
import { type BuiltPack, PACK_CAPACITY, packBuilder } from './pack-builder.ts';
import { ID_BYTES } from './pack-toc.ts';
import { SLOT_BYTES, slotView } from './slot-pool.ts';

const setup = workerData as WorkerSetup;
const builder = packBuilder(setup);
const digests = new Map<number, Hash>();

type StoreJob = Extract<ToWorker, { kind: 'store' }>;

/** What is to be stored, and how far the first of it is. */
const waiting: StoreJob[] = [];
let nextChunk = 0;
let isFinishing = false;

/** A key object: taking the bytes anew for each chunk costs a third of the hashing. */
const idKey = createSecretKey(setup.chunkIdKey);

const view = (slot: number, start: number, end: number) =>
  Buffer.from(setup.memory, slot * SLOT_BYTES + start, end - start);

function send(message: FromWorker): void {
  parentPort!.postMessage(message);
}

function sendPack(built: BuiltPack | null): void {
  if (built) send({ kind: 'pack', built });
}

function hash(job: number, slot: number, ends: Uint32Array): void {
  const ids = new Uint8Array(ends.length * ID_BYTES);
  let start = 0;
  for (let i = 0; i < ends.length; i += 1) {
    const end = ends[i]!;
    ids.set(
      createHmac('sha256', idKey)
        .update(view(slot, start, end))
        .digest(),
      i * ID_BYTES,
    );
    start = end;
  }
  send({ kind: 'hashed', job, ids });
}

/** Stores what waits, as far as there is memory for packs. */
function storeWaiting(): void {
  for (let job = waiting[0]; job && builder.canAdd(); job = waiting[0]) {
    const { slot, chunks, ids } = job;
    for (; nextChunk < chunks.length && builder.canAdd(); nextChunk += 3) {
      const at = chunks[nextChunk + 2]!;
      const bytes = view(slot, chunks[nextChunk]!, chunks[nextChunk + 1]!);
      sendPack(builder.add(ids.subarray(at, at + ID_BYTES), bytes));
    }
    if (nextChunk < chunks.length) return;
    send({ kind: 'done', slot });
    waiting.shift();
    nextChunk = 0;
  }
  if (!isFinishing || waiting.length > 0) return;
  isFinishing = false;
  sendPack(builder.finish());
  send({ kind: 'finished' });
}

function digest(slot: number, stream: number, bytes: number): void {
  let running = digests.get(stream);
  if (!running) {
    running = createHash('sha256');
    digests.set(stream, running);
  }
  running.update(view(slot, 0, bytes));
  send({ kind: 'done', slot });
}

function endDigest(stream: number): void {
  const sha256 = (digests.get(stream) ?? createHash('sha256')).digest();
  digests.delete(stream);
  send({ kind: 'digest', stream, sha256: new Uint8Array(sha256) });
}

parentPort!.on('message', (message: ToWorker) => {
  if (message.kind === 'hash') hash(message.job, message.slot, message.ends);
  else if (message.kind === 'digest') digest(message.slot, message.stream, message.bytes);
  else if (message.kind === 'endDigest') endDigest(message.stream);
  else {
    if (message.kind === 'store') waiting.push(message);
    else if (message.kind === 'finish') isFinishing = true;
    else builder.lend(message.slot, slotView(setup.packMemory, message.slot, PACK_CAPACITY));
    storeWaiting();
  }
});
