import type { PutContent } from './port.ts';

/** The parts of a put's content, in order, whatever form it was given in. */
export async function* partsOf(content: PutContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    if (content.length > 0) yield content;
  } else if (Array.isArray(content)) {
    for (const part of content as readonly Uint8Array[]) if (part.length > 0) yield part;
  } else {
    for await (const part of content as AsyncIterable<Uint8Array>) if (part.length > 0) yield part;
  }
}
