/** A thread that decodes for a reader: opens blocks, decodes them, checks every chunk against its id. */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { asBuffer, freeNow } from '../base/bytes.ts';
import { type PackOpener, packOpener } from '../crypto/pack-cipher.ts';
import { decodeRecordNow } from './block-codec.ts';
import {
  BLOCK_FIELDS,
  type DecodeAnswer,
  type DecodeRun,
  type DecodeSetup,
  type DecodeTask,
  PLACE_FIELDS,
} from './decode-messages.ts';
import { joinBases } from './delta-codec.ts';
import { ID_BYTES } from './pack-toc.ts';

/** Making one costs as much as opening ten blocks. */
const OPENERS_KEPT = 64;

const setup = workerData as DecodeSetup;
const idKey = createSecretKey(setup.chunkIdKey);
/** Decoded, by number. */
const held = new Map<number, Buffer>();
const openers = new Map<number, PackOpener>();

function openerOf(run: DecodeRun): PackOpener {
  const known = openers.get(run.packNumber);
  if (known) return known;
  const opener = packOpener(run);
  if (openers.size >= OPENERS_KEPT) openers.delete(openers.keys().next().value!);
  openers.set(run.packNumber, opener);
  return opener;
}

/** Blocks of a task by number: each is opened when it is needed first. */
function blocksOf({ runs, blocks }: DecodeTask) {
  const rowOf = new Map<number, number>();
  for (let row = 0; row < blocks.length; row += BLOCK_FIELDS) rowOf.set(blocks[row]!, row);
  const bytes = runs.map((run) => asBuffer(run.bytes));
  return (block: number, dictionary: Buffer | null): Buffer => {
    const row = rowOf.get(block);
    if (row === undefined) throw new Error('a block was not handed over');
    const [, run, start, storedBytes, plainBytes, blockOfPack] = blocks.subarray(row, row + BLOCK_FIELDS);
    const stored = bytes[run!]!.subarray(start!, start! + storedBytes!);
    return decodeRecordNow(openerOf(runs[run!]!).openBlock(blockOfPack!, stored), plainBytes!, dictionary);
  };
}

/** Throws whatever is wrong: the reader then reads the same itself, and tells what it finds. */
function decode(task: DecodeTask): void {
  const { chunks, ids } = task;
  const target = Buffer.from(task.target);
  const open = blocksOf(task);
  const fullBlock = (block: number): Buffer => {
    let bytes = held.get(block);
    if (!bytes) {
      bytes = open(block, null);
      held.set(block, bytes);
    }
    return bytes;
  };
  const inBlock = (at: number) =>
    fullBlock(chunks[at]!).subarray(chunks[at + 1]!, chunks[at + 1]! + chunks[at + 2]!);
  let filled = 0;
  let idAt = 0;
  for (let at = 0; at < chunks.length; ) {
    const lengthBytes = chunks[at + 2]!;
    const bases = chunks[at + PLACE_FIELDS]!;
    const end = at + PLACE_FIELDS + 1 + bases * PLACE_FIELDS;
    let bytes: Buffer;
    if (bases === 0) bytes = inBlock(at);
    else {
      const parts: Buffer[] = [];
      for (let base = at + PLACE_FIELDS + 1; base < end; base += PLACE_FIELDS) parts.push(inBlock(base));
      const dictionary = joinBases(parts);
      bytes = open(chunks[at]!, dictionary);
      if (bases > 1) freeNow(dictionary);
    }
    const id = createHmac('sha256', idKey).update(bytes).digest();
    const isProven = bytes.length === lengthBytes && timingSafeEqual(id, ids.subarray(idAt, idAt + ID_BYTES));
    if (!isProven) throw new Error('a chunk is not what its id says');
    target.set(bytes, filled);
    if (bases > 0) freeNow(bytes);
    filled += lengthBytes;
    idAt += ID_BYTES;
    at = end;
  }
}

function tryDecode(task: DecodeTask): boolean {
  try {
    decode(task);
    return true;
  } catch {
    return false;
  }
}

parentPort!.on('message', (task: DecodeTask) => {
  const isProven = tryDecode(task);
  for (const block of task.drop) {
    const bytes = held.get(block);
    held.delete(block);
    if (bytes) freeNow(bytes);
  }
  for (const { bytes } of task.runs) freeNow(asBuffer(bytes));
  const { target } = task;
  parentPort!.postMessage({ target, isProven } satisfies DecodeAnswer, [target]);
});
