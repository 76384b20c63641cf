/** A thread that places a tree, so that making files and decoding what is in them go on at the same time. */
import { parentPort } from 'node:worker_threads';
import { type ErrorCode, HoldfastError } from '../../base/errors.ts';
import { type Step, stepsIn } from './restore-records.ts';
import { type Placer, type PlacerOptions, treePlacer } from './tree-placer.ts';

export type ToPlacer =
  | {
      readonly kind: 'start';
      /** Owners come resolved: the numbers in the entries are those of this host. */
      readonly options: Omit<PlacerOptions, 'policy'> & { readonly keepOwners: boolean };
      readonly slots: SharedArrayBuffer;
      readonly slotBytes: number;
    }
  | { readonly kind: 'batch'; readonly slot: number; readonly steps: Uint8Array }
  | { readonly kind: 'finish' }
  | { readonly kind: 'abandon' };

export interface PlacerFailure {
  /** Null for what is no error of ours. */
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly next: string;
}

export type FromPlacer =
  | { readonly kind: 'placed'; readonly slot: number }
  | { readonly kind: 'failed'; readonly failure: PlacerFailure }
  | { readonly kind: 'ended' };

const port = parentPort!;
const answer = (message: FromPlacer) => port.postMessage(message);

let placer: Placer | null = null;
let slots = Buffer.alloc(0) as Buffer;
let slotBytes = 0;
/** What comes after a failure is passed over. */
let hasFailed = false;

function attempt(work: () => void): void {
  if (hasFailed) return;
  try {
    work();
  } catch (error) {
    hasFailed = true;
    const isOurs = error instanceof HoldfastError;
    const message = error instanceof Error ? error.message : String(error);
    answer({
      kind: 'failed',
      failure: { code: isOurs ? error.code : null, message, next: isOurs ? error.next : '' },
    });
  }
}

function place(target: Placer, step: Step, at: number): number {
  if (step.kind === 'begin') target.begin(step.placement);
  else if (step.kind === 'end') target.end();
  else {
    target.write(slots.subarray(at, at + step.sizeBytes));
    return at + step.sizeBytes;
  }
  return at;
}

port.on('message', (message: ToPlacer) => {
  if (message.kind === 'start') {
    const { keepOwners, ...options } = message.options;
    const owners = { name: () => '', id: () => null };
    placer = treePlacer({ ...options, policy: { keepOwners, owners } });
    slots = Buffer.from(message.slots);
    slotBytes = message.slotBytes;
    return;
  }
  if (message.kind === 'batch') {
    attempt(() => {
      let at = message.slot * slotBytes;
      for (const step of stepsIn(message.steps)) at = place(placer!, step, at);
    });
    answer({ kind: 'placed', slot: message.slot });
    return;
  }
  if (message.kind === 'finish') attempt(() => placer!.finish());
  // After a failure, too: handles must not stay open.
  if (message.kind === 'abandon' || hasFailed) placer?.abandon();
  answer({ kind: 'ended' });
});
