/** Has work done once for all who ask, by the first of them. A failure is not remembered: who asks next has it done anew. */
export function once<A extends unknown[], T>(work: (...given: A) => Promise<T>): (...given: A) => Promise<T> {
  let done: Promise<T> | null = null;
  return (...given) => {
    done ??= work(...given).catch((error: unknown) => {
      done = null;
      throw error;
    });
    return done;
  };
}
