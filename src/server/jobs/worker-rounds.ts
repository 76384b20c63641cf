import { takeBackLost } from './maintenance.ts';
import type { QueueParts } from './queue-parts.ts';
import { roundMs } from './settings.ts';

const REDELIVER_MS = 60_000;

/** What a worker does again and again: look for jobs, take jobs of dead workers back, deliver again what got lost. */
export function startRounds(parts: QueueParts, look: () => void): { stop(): void } {
  const { catalog, options, delivery, nowMs } = parts;
  const every = (ms: number, work: () => void) => setInterval(work, ms * (0.9 + options.random() / 5));
  const timers = [
    every(options.pollMs, look),
    every(roundMs(options), () => void takeBackLost(catalog, nowMs(), parts).catch(options.onError)),
    every(REDELIVER_MS, () => void delivery.redeliver(nowMs()).catch(options.onError)),
  ];
  return { stop: () => timers.forEach(clearInterval) };
}
