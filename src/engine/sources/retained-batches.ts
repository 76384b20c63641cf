/** How many rows go at a time: as many as fit the time for which others may have to wait. */

/** Locks of a batch are held for about so long. */
const TARGET_MS = 50;
const LEAST_ROWS = 100;
const FIRST_ROWS = 200;

export interface BatchSize {
  /** For the next batch. */
  rows(): number;
  /** After each batch, with how long its locks were held. */
  took(heldMs: number): void;
}

/** Starts small, grows at most twofold, and shrinks at once when a batch took too long. */
export function batchSize(mostRows: number): BatchSize {
  let rows = Math.min(mostRows, FIRST_ROWS);
  return {
    rows: () => rows,
    took(heldMs) {
      const fits = (rows * TARGET_MS) / Math.max(heldMs, 1);
      // Below the target by a quarter, so that the usual batch stays on this side of it.
      rows = Math.floor(
        Math.min(mostRows, Math.max(Math.min(LEAST_ROWS, mostRows), Math.min(rows * 2, fits * 0.75))),
      );
    },
  };
}
