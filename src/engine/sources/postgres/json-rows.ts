const BACKSLASH = 0x5c;

/**
 * Makes lines of JSON of `COPY … TO STDOUT` text of one JSON column, byte for byte what the server holds. COPY doubles
 * each backslash and writes a line break as `\n`: a raw one in JSON stands between values only, and becomes a blank, so
 * that one row stays one line. The bytes given on are new; a piece may end anywhere.
 */
export function copyTextToJson(write: (bytes: Buffer) => Promise<void>): (bytes: Buffer) => Promise<void> {
  let isEscaped = false;
  return async (bytes) => {
    if (!isEscaped && bytes.indexOf(BACKSLASH) < 0) return write(bytes);
    const out = Buffer.allocUnsafe(bytes.length);
    let used = 0;
    for (const byte of bytes) {
      if (isEscaped) {
        out[used++] = byte === BACKSLASH ? BACKSLASH : 0x20;
        isEscaped = false;
      } else if (byte === BACKSLASH) isEscaped = true;
      else out[used++] = byte;
    }
    if (used > 0) await write(out.subarray(0, used));
  };
}
