import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import { type Placement, stepBuilder } from './restore-records.ts';
import type { FromPlacer, PlacerFailure, ToPlacer } from './restore-thread.ts';
import { type PlacerOptions, treePlacer } from './tree-placer.ts';

/**
 * Where a restore puts its entries, in tree order. Same calls as a `Placer`; await what they give back before the
 * next call. Failures may be told by a later call than the one that met them. Ends with `finish`, or
 * `abandon` after any failure.
 */
export interface Placing {
  begin(placement: Placement): void | Promise<void>;
  write(bytes: Uint8Array): void | Promise<void>;
  end(): void | Promise<void>;
  /** Resolves when everything is in place and closed. */
  finish(): Promise<void>;
  /** Resolves when everything is closed. Never throws. */
  abandon(): Promise<void>;
}

const SLOT_BYTES = 1 << 20;
/** One being filled, one being written, and some for when the disk is slower for a moment. */
const SLOTS = 6;
/** Steps that are sent although their slot has room. */
const STEP_BYTES = 96 * 1024;

const THREAD = scriptBeside(import.meta.url, 'restore-thread');

/** Places in this thread: for a few entries a thread would not pay. */
export function directPlacing(options: PlacerOptions): Placing {
  const placer = treePlacer(options);
  return {
    begin: placer.begin,
    write: placer.write,
    end: placer.end,
    finish: async () => placer.finish(),
    abandon: async () => placer.abandon(),
  };
}

function errorOf({ code, message, next }: PlacerFailure): Error {
  return code === null ? new HoldfastError('internal', message) : new HoldfastError(code, message, { next });
}

/** Places in a thread of its own. Owners in the entries must be numbers of this host: see `resolveOwners`. */
export function threadPlacing({ policy, ...options }: PlacerOptions): Placing {
  const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  const slots = Buffer.from(memory);
  const free = Array.from({ length: SLOTS }, (_, slot) => slot);
  const steps = stepBuilder();
  let slot = free.pop()!;
  let fill = 0;
  let failure: Error | null = null;
  let hasEnded = false;
  let wake = () => {};

  const worker = new Worker(THREAD, {
    name: 'holdfast-restore',
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  const post = (message: ToPlacer) => worker.postMessage(message);
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  worker.on('message', (message: FromPlacer) => {
    if (message.kind === 'placed') free.push(message.slot);
    else if (message.kind === 'failed') failure ??= errorOf(message.failure);
    else hasEnded = true;
    wake();
  });
  worker.on('error', fail);
  worker.on('exit', () => {
    hasEnded = true;
    fail(new HoldfastError('internal', 'the restoring thread ended'));
  });
  post({
    kind: 'start',
    options: { ...options, keepOwners: policy.keepOwners },
    slots: memory,
    slotBytes: SLOT_BYTES,
  });

  const until = async (isReady: () => boolean) => {
    while (!isReady()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const send = async () => {
    if (fill === 0 && steps.sizeBytes === 0) return;
    post({ kind: 'batch', slot, steps: steps.take() });
    await until(() => free.length > 0 || failure !== null);
    if (failure) throw failure;
    slot = free.pop()!;
    fill = 0;
  };
  const sendWhenFull = () => (steps.sizeBytes >= STEP_BYTES ? send() : undefined);
  const put = (bytes: Uint8Array): void => {
    slots.set(bytes, slot * SLOT_BYTES + fill);
    fill += bytes.length;
    steps.data(bytes.length);
  };
  const writeSlowly = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; ) {
      if (fill === SLOT_BYTES) await send();
      const part = bytes.subarray(at, at + SLOT_BYTES - fill);
      put(part);
      at += part.length;
    }
  };
  /** Resolves once the thread has closed everything; it is gone a moment later. */
  const close = async (message: 'finish' | 'abandon') => {
    post({ kind: message });
    await until(() => hasEnded);
    const met = failure;
    await worker.terminate();
    return met;
  };
  return {
    begin(placement) {
      steps.begin(placement);
      return sendWhenFull();
    },
    write(bytes) {
      if (fill + bytes.length > SLOT_BYTES) return writeSlowly(bytes);
      if (bytes.length > 0) put(bytes);
    },
    end() {
      steps.end();
      return sendWhenFull();
    },
    async finish() {
      await send();
      const met = await close('finish');
      if (met) throw met;
    },
    async abandon() {
      if (!hasEnded) await close('abandon');
    },
  };
}
