import type { ByteSink } from '../port.ts';

/** Writes bytes that lie at `offset` of a stream, and tells the sink of the cuts among them. Cuts are offsets of the stream, ascending. */
export async function writeWithCuts(
  sink: ByteSink,
  bytes: Buffer,
  offset: number,
  cuts: readonly number[],
): Promise<void> {
  let from = 0;
  for (const cut of cuts) {
    const at = cut - offset;
    if (at > from) await sink.write(bytes.subarray(from, at));
    sink.cut();
    from = at;
  }
  if (from < bytes.length) await sink.write(bytes.subarray(from));
}
