import { setImmediate as nextTurn } from 'node:timers/promises';

const EVERY_MS = 50;

/** For long loops that never wait: lets Ctrl-C through now and then, and throws when it came. */
export function pauses(signal: AbortSignal): () => Promise<void> {
  let lastMs = performance.now();
  return async () => {
    if (performance.now() - lastMs < EVERY_MS) return;
    await nextTurn();
    signal.throwIfAborted();
    lastMs = performance.now();
  };
}
