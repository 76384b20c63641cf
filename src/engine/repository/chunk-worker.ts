/** A worker thread of the chunk writer: ids, compression, encryption, whole packs. */
import { createHash, createHmac, createSecretKey, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSetup } from './chunk-messages.ts';
import { type BuiltPack, packBuilder } from './pack-builder.ts';
import { ID_BYTES } from './pack-toc.ts';
import { SLOT_BYTES } from './slot-pool.ts';

const setup = workerData as WorkerSetup;
const builder = packBuilder(setup);
const digests = new Map<number, Hash>();
/** Full packs whose memory has not come back. With so many out, what is to be stored waits. */
const MAX_PACKS = 2;
let packsOut = 0;
const waiting: StoreJob[] = [];
let isFinishing = false;

type StoreJob = Extract<ToWorker, { kind: 'store' }>;

/** A key object: taking the bytes anew for each chunk costs a third of the hashing. */
const idKey = createSecretKey(setup.chunkIdKey);

const view = (slot: number, start: number, end: number) =>
  Buffer.from(setup.memory, slot * SLOT_BYTES + start, end - start);

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

function sendPack(built: BuiltPack | null): void {
  if (!built) return;
  packsOut += 1;
  send({ kind: 'pack', built }, [built.bytes.buffer]);
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

function store({ slot, chunks, ids }: StoreJob): void {
  for (let i = 0; i < chunks.length; i += 3) {
    const at = chunks[i + 2]!;
    const id = Buffer.from(ids.buffer, ids.byteOffset + at, ID_BYTES);
    sendPack(builder.add(id, view(slot, chunks[i]!, chunks[i + 1]!)));
  }
  send({ kind: 'done', slot });
}

function storeWaiting(): void {
  while (packsOut < MAX_PACKS && waiting.length > 0) store(waiting.shift()!);
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

parentPort!.on('message', (message: ToWorker) => {
  if (message.kind === 'hash') hash(message.job, message.slot, message.ends);
  else if (message.kind === 'store') {
    waiting.push(message);
    storeWaiting();
  } else if (message.kind === 'digest') digest(message.slot, message.stream, message.bytes);
  else if (message.kind === 'endDigest') {
    const { stream } = message;
    const sha256 = (digests.get(stream) ?? createHash('sha256')).digest();
    digests.delete(stream);
    send({ kind: 'digest', stream, sha256: new Uint8Array(sha256) });
  } else {
    if (message.kind === 'finish') isFinishing = true;
    else {
      packsOut -= 1;
      builder.recycle(message.memory);
    }
    storeWaiting();
  }
});
