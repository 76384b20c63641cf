const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A second Ctrl-C this soon is the same key press, delivered to the group and forwarded once more. */
const SAME_PRESS_MS = 200;

/**
 * The first Ctrl-C (or SIGTERM, SIGHUP) aborts the signal, so that the run ends in order; the second ends the
 * process at once. `release` puts the default back.
 */
export function listenForInterrupt(onFirst: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  const onSignal = () => {
    const nowMs = performance.now();
    if (firstAtMs !== null) {
      if (nowMs - firstAtMs > SAME_PRESS_MS) process.exit(130);
      return;
    }
    firstAtMs = nowMs;
    onFirst();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
