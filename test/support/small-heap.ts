/**
 * Imported by tests that measure memory, also for its effect: V8 lets its young generation grow with the machine's
 * memory, to 150 MiB here. Held small, what is measured is ours.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--expose-gc');

/** Frees what nobody holds any more, so that what is measured then is what is held, whenever V8 would have come to it. */
export const collectGarbage = runInNewContext('gc') as () => void;
