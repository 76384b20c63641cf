/** The first failure of a run, which ends everything that waits. */
export interface RunFailure {
  fail(error: unknown): void;
  hasFailed(): boolean;
  /** Throws the failure, if there is one. */
  check(): void;
  /** A promise that the failure rejects, also one that comes later. */
  promise<T>(start: (resolve: (value: T | PromiseLike<T>) => void) => void): Promise<T>;
}

export function runFailure(onFailed: (error: unknown) => void): RunFailure {
  let failure: { readonly error: unknown } | null = null;
  const rejections = new Set<(error: unknown) => void>();
  return {
    fail(error) {
      if (failure) return;
      failure = { error };
      onFailed(error);
      for (const reject of rejections) reject(error);
      rejections.clear();
    },
    hasFailed: () => failure !== null,
    check() {
      if (failure) throw failure.error;
    },
    promise: (start) =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure.error);
        rejections.add(reject);
        start((value) => {
          rejections.delete(reject);
          resolve(value);
        });
      }),
  };
}
