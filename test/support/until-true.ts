import { setTimeout as sleep } from 'node:timers/promises';

const STEP_MS = 20;
/** Minutes: a machine with ten other things to do takes half of one now and then, and only a fault takes five. */
const STEPS = 15_000;

/** Asks again and again until the answer is there, and gives it. Throws after five minutes, which only a fault takes. */
export async function untilTrue<T>(ask: () => Promise<T | null | undefined | false>): Promise<T> {
  for (let step = 0; step < STEPS; step += 1) {
    const answer = await ask();
    if (answer) return answer as T;
    await sleep(STEP_MS);
  }
  throw new Error(`it did not become true: ${ask}`);
}
