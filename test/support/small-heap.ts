/**
 * Imported for its effect by tests that measure memory: V8 lets its young generation grow with the machine's
 * memory, to 150 MiB here. Held small, what is measured is ours.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
