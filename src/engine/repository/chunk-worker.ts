/** A worker thread of the chunk writer: ids, compression, encryption, whole packs. */
import { createHash, createHmac, createSecretKey, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { stageClock } from '../base/stage-times.ts';
import {
  type CopyJob,
  type FromWorker,
  STORE_FIELDS,
  type StoreJob,
  type ToWorker,
  type WorkerSetup,
} from './chunk-messages.ts';
import { deltaMaker } from './delta-maker.ts';
import { type BuiltPack, PACK_CAPACITY, packBuilder } from './pack-builder.ts';
import { ID_BYTES } from './pack-toc.ts';
import { markOf } from './refs.ts';
import { SLOT_BYTES, slotView } from './slot-pool.ts';

const setup = workerData as WorkerSetup;
const clock = stageClock();
const builder = packBuilder({ ...setup, clock });
const digests = new Map<number, Hash>();

/** What is to be stored, each step adding one chunk; the first is under way. */
const waiting: Generator<void>[] = [];
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
  const begun = performance.now();
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
  clock.add('identify', performance.now() - begun);
  send({ kind: 'hashed', job, ids, marks });
}

function* store({ slot, stream, chunks, ids, bases }: StoreJob): Generator<void> {
  const maker = bases && deltaMaker(idKey, bases);
  let tried = 0;
  let made = 0;
  for (let row = 0; row < chunks.length; row += STORE_FIELDS) {
    const id = ids.subarray(chunks[row + 2]!, chunks[row + 2]! + ID_BYTES);
    const bytes = view(slot, chunks[row]!, chunks[row + 1]!);
    const [first, count] = [chunks[row + 3]!, chunks[row + 4]!];
    const limit = bytes.length * builder.ratio;
    const delta =
      maker && count > 0 ? clock.measure('difference', () => maker.make(bytes, first, count, limit)) : null;
    if (count > 0) tried += 1;
    if (delta) made += 1;
    sendPack(delta ? builder.addDelta({ id, lengthBytes: bytes.length, ...delta }) : builder.add(id, bytes));
    yield;
  }
  maker?.close();
  if (tried > 0) send({ kind: 'tried', stream, chunks: tried, deltas: made });
  send({ kind: 'done', slot });
}

function* copy({ slot, frameBytes, ...delta }: CopyJob): Generator<void> {
  sendPack(builder.addDelta({ ...delta, frame: view(slot, 0, frameBytes) }));
  yield;
  send({ kind: 'done', slot });
}

/** Stores what waits, as far as there is memory for packs. */
function storeWaiting(): void {
  while (waiting.length > 0 && builder.canAdd()) if (waiting[0]!.next().done) waiting.shift();
  if (!isFinishing || waiting.length > 0) return;
  isFinishing = false;
  sendPack(builder.finish());
  send({ kind: 'finished', times: clock.times() });
}

function digest(slot: number, stream: number, bytes: number): void {
  let running = digests.get(stream);
  if (!running) {
    running = createHash('sha256');
    digests.set(stream, running);
  }
  const into = running;
  clock.measure('digest', () => into.update(view(slot, 0, bytes)));
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
    if (message.kind === 'store') waiting.push(store(message));
    else if (message.kind === 'copy') waiting.push(copy(message));
    else if (message.kind === 'finish') isFinishing = true;
    else builder.lend(message.slot, slotView(setup.packMemory, message.slot, PACK_CAPACITY));
    storeWaiting();
  }
});
