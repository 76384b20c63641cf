import { HoldfastError } from '../base/errors.ts';
import type { Content } from '../sources/port.ts';
import { eachRef } from './refs.ts';

/** References read as one content: enough for the reader's look ahead, few enough to start soon. */
const JOINED_REFS = 4096;

/**
 * Bytes of several contents, one after the other. Contents without lists are read as if they were one, so that what
 * lies together in a pack is fetched and decoded once, however many files it belongs to. Throws what
 * `read` throws, and `object_damaged` for a content whose references do not add up to its size.
 */
export async function* readJoined(
  read: (content: Content) => AsyncIterable<Buffer>,
  contents: readonly Content[],
): AsyncGenerator<Buffer> {
  let refs: Buffer[] = [];
  let many = 0;
  let sizeBytes = 0;
  const joined = (): Content => {
    const content = { sizeBytes, depth: 0, refs: Buffer.concat(refs) };
    refs = [];
    many = 0;
    sizeBytes = 0;
    return content;
  };
  for (const content of contents) {
    if (content.sizeBytes === 0) continue;
    if (content.depth === 0) {
      many += checkedRefs(content);
      refs.push(content.refs);
      sizeBytes += content.sizeBytes;
    }
    if (many > 0 && (content.depth > 0 || many >= JOINED_REFS)) yield* read(joined());
    if (content.depth > 0) yield* read(content);
  }
  if (many > 0) yield* read(joined());
}

/** How many references a content has. Their sum decides where one file ends and the next begins. */
function checkedRefs({ refs, sizeBytes }: Content): number {
  let many = 0;
  let sum = 0;
  for (const { lengthBytes } of eachRef(refs)) {
    many += 1;
    sum += lengthBytes;
  }
  if (sum === sizeBytes) return many;
  throw new HoldfastError('object_damaged', `a content of ${sizeBytes} bytes refers to ${sum} bytes`);
}
