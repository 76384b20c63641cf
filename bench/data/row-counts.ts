/** How many rows make a given size. */
import { copyLine } from './copy-text.ts';
import { rowOf, TABLES } from './tables.ts';

const SAMPLE_ROWS = 500;
/** For the samples alone: only the length of a reference matters. */
const ASSUMED_ROWS = 500_000;

/** Rows of each table, so that the text of all comes to `sizeBytes` within a few percent. At least 50 each. */
export function rowCounts(sizeBytes: number, seed: number): Map<string, number> {
  return new Map(
    TABLES.map((table) => {
      let bytes = 0;
      for (let n = 1; n <= SAMPLE_ROWS; n += 1) {
        bytes += Buffer.byteLength(copyLine(rowOf(table, n * 997, seed, () => ASSUMED_ROWS)));
      }
      return [table.name, Math.max(50, Math.round((sizeBytes * table.share) / (bytes / SAMPLE_ROWS)))];
    }),
  );
}
