/** A number of bytes that may be in use at once, given out in the order of asking. */
export interface ByteBudget {
  /** Waits for its turn. A part larger than everything gets in alone. */
  take(bytes: number): Promise<void>;
  give(bytes: number): void;
  /** Whoever waits, now or later, gets the error. */
  fail(error: Error): void;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function byteBudget(total: number): ByteBudget {
  const waiting: Waiting[] = [];
  let used = 0;
  let failure: Error | null = null;
  const fits = (bytes: number) => used === 0 || used + bytes <= total;
  return {
    async take(bytes) {
      if (failure) throw failure;
      if (waiting.length === 0 && fits(bytes)) {
        used += bytes;
        return;
      }
      await new Promise<void>((resolve, reject) => waiting.push({ bytes, resolve, reject }));
    },
    give(bytes) {
      used -= bytes;
      while (waiting.length > 0 && fits(waiting[0]!.bytes)) {
        const next = waiting.shift()!;
        used += next.bytes;
        next.resolve();
      }
    },
    fail(error) {
      failure = error;
      for (const { reject } of waiting.splice(0)) reject(error);
    },
  };
}
