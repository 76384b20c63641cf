export interface Ahead<T> {
  /** Under way at most. */
  readonly atOnce: number;
  /** Under way at first, twice as many after each that was taken: for whoever may stop after a few. Default: as many as at most. */
  readonly atFirst?: number;
  /** Bytes under way at most, as `sizeOf` tells them; a single item may be larger. */
  readonly bytesAtOnce?: number;
  readonly sizeOf?: (item: T) => number;
}

/**
 * Does work on several items at once, for where every answer takes its time, and gives the results in the order of the items. Throws what
 * the work on the next item in order threw. However it ends, nothing is under way any more.
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  { atOnce, atFirst = atOnce, bytesAtOnce = Number.POSITIVE_INFINITY, sizeOf = () => 0 }: Ahead<T>,
): AsyncGenerator<R> {
  const underWay: { readonly sizeBytes: number; readonly result: Promise<R> }[] = [];
  let bytes = 0;
  let next = 0;
  let wanted = atFirst;
  const begin = () => {
    while (next < items.length && underWay.length < wanted) {
      const item = items[next]!;
      const sizeBytes = sizeOf(item);
      if (underWay.length > 0 && bytes + sizeBytes > bytesAtOnce) return;
      next += 1;
      bytes += sizeBytes;
      const result = work(item);
      // Told when its turn comes, or to nobody.
      result.catch(() => {});
      underWay.push({ sizeBytes, result });
    }
  };
  try {
    for (begin(); underWay.length > 0; begin()) {
      const first = underWay.shift()!;
      const result = await first.result;
      bytes -= first.sizeBytes;
      yield result;
      wanted = Math.min(2 * wanted, atOnce);
    }
  } finally {
    await Promise.allSettled(underWay.map(({ result }) => result));
  }
}
