/** A line for work that costs memory: so much at once, the rest waits its turn, and a line too long is refused. */
import { HoldfastError } from '../../engine/index.ts';

export interface Turns {
  /** Throws `too_many_attempts` when the line is full, and the signal's reason when it ends before its turn. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function turns({ atOnce, inLine }: { readonly atOnce: number; readonly inLine: number }): Turns {
  let running = 0;
  const line: (() => void)[] = [];
  const turn = async (signal: AbortSignal) => {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (line.length >= inLine) throw new HoldfastError('too_many_attempts', 'too much is looked at already');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      const at = line.indexOf(resolve);
      if (at >= 0) line.splice(at, 1);
      reject(signal.reason);
    };
    line.push(resolve);
    signal.addEventListener('abort', leave, { once: true });
    // Whoever ends hands the place on, so that nobody new comes in between.
    await promise.finally(() => signal.removeEventListener('abort', leave));
  };
  return {
    async take(signal, work) {
      signal.throwIfAborted();
      await turn(signal);
      try {
        return await work();
      } finally {
        const next = line.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
