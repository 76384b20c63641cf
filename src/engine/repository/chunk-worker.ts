/** A worker thread of the chunk writer: ids, compression, encryption, whole packs. */
import { createHash, createHmac, createSecretKey, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import {
  type FromWorker,
  STORE_FIELDS,
  type StoreJob,
  type ToWorker,
  type WorkerSetup,
} from './chunk-messages.ts';
import { type DeltaMaker, deltaMaker } from './delta-maker.ts';
import { type BuiltPack, PACK_CAPACITY, packBuilder } from './pack-builder.ts';
import { ID_BYTES } from './pack-toc.ts';
import { markOf } from './refs.ts';
import { SLOT_BYTES, slotView } from './slot-pool.ts';

const setup = workerData as WorkerSetup;
const builder = packBuilder(setup);
const digests = new Map<number, Hash>();

/** What is to be stored, and how far the first of it is. */
const waiting: StoreJob[] = [];
let nextChunk = 0;
let deltas: DeltaMaker | null = null;
let tried = 0;
let made = 0;
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
  const marks = new Uint16Array(ends.length);
  let start = 0;
  for (let i = 0; i < ends.length; i += 1) {
    const end = ends[i]!;
    const chunk = view(slot, start, end);
    ids.set(createHmac('sha256', idKey).update(chunk).digest(), i * ID_BYTES);
    marks[i] = markOf(chunk);
    start = end;
  }
  send({ kind: 'hashed', job, ids, marks });
}

function storeChunk({ slot, chunks, ids }: StoreJob, at: number): BuiltPack | null {
  const [start, end, idAt, firstBase, baseCount] = chunks.subarray(
    at,
    at + STORE_FIELDS,
  ) as unknown as StoreRow;
  const id = ids.subarray(idAt, idAt + ID_BYTES);
  const bytes = view(slot, start, end);
  if (!deltas || baseCount === 0) return builder.add(id, bytes);
  const delta = deltas.make(bytes, firstBase, baseCount, bytes.length * builder.ratio);
  tried += 1;
  if (!delta) return builder.add(id, bytes);
  made += 1;
  return builder.addDelta({ id, lengthBytes: bytes.length, ...delta });
}

function endJob({ slot, stream }: StoreJob): void {
  if (tried > 0) send({ kind: 'tried', stream, chunks: tried, deltas: made });
  deltas?.close();
  deltas = null;
  tried = 0;
  made = 0;
  send({ kind: 'done', slot });
  waiting.shift();
  nextChunk = 0;
}

type StoreRow = readonly [number, number, number, number, number];

/** Stores what waits, as far as there is memory for packs. */
function storeWaiting(): void {
  for (let job = waiting[0]; job && builder.canAdd(); job = waiting[0]) {
    deltas ??= job.bases && deltaMaker(idKey, job.bases);
    for (; nextChunk < job.chunks.length && builder.canAdd(); nextChunk += STORE_FIELDS) {
      sendPack(storeChunk(job, nextChunk));
    }
    if (nextChunk < job.chunks.length) return;
    endJob(job);
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
