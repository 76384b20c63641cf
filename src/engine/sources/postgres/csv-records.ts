const NEWLINE = 0x0a;
const QUOTE = 0x22;

export interface CsvRecords {
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * Cuts CSV as COPY writes it into groups of at most `size` records, without its header line; a group of `mostBytes` or more ends
 * early. A line break between quotes belongs to a value; quotes inside of one are doubled, so that an even number of them stands
 * before the end of every record.
 */
export async function* csvRecords(
  pieces: AsyncIterable<Buffer>,
  size: number,
  mostBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<CsvRecords> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let rows = 0;
  let isQuoted = false;
  let isHeader = true;
  for await (const piece of pieces) {
    let from = 0;
    for (let at = 0; at < piece.length; at += 1) {
      if (piece[at] === QUOTE) isQuoted = !isQuoted;
      if (piece[at] !== NEWLINE || isQuoted) continue;
      if (isHeader) {
        isHeader = false;
        held = [];
        heldBytes = 0;
        from = at + 1;
        continue;
      }
      rows += 1;
      if (rows < size && heldBytes + at + 1 - from < mostBytes) continue;
      yield { bytes: Buffer.concat([...held, piece.subarray(from, at + 1)]), rows };
      held = [];
      heldBytes = 0;
      rows = 0;
      from = at + 1;
    }
    // The piece's memory is used again.
    if (from < piece.length) held.push(Buffer.from(piece.subarray(from)));
    heldBytes += piece.length - from;
  }
  if (rows > 0) yield { bytes: Buffer.concat(held), rows };
}
