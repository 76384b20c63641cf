/** Concatenates an async stream of buffers. For small inputs only: it holds everything. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Yields `bytes` once; nothing when it is empty. */
export async function* streamOf(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) if (part.length > 0) yield part;
}

/** The same memory as a Buffer: what another thread sends is none. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Gives the memory of bytes back at once instead of at some garbage collection, which V8 puts off until 64 MiB have
 * gathered in each thread. Only for bytes nobody else looks at: every view of them is empty afterwards. Leaves memory
 * alone that is not its own, see `isOwnMemory`.
 */
export function freeNow({ buffer }: Buffer): void {
  if (isOwnMemory(buffer)) buffer.transfer(0);
}

/** False for memory that threads or small buffers share, and for whatever is as small as what those take from it. */
export function isOwnMemory(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  const isOwn = buffer.byteLength >= OWN_MEMORY_BYTES && buffer.byteLength !== Buffer.poolSize;
  return isOwn && buffer instanceof ArrayBuffer;
}

/** Buffers from this size on never share memory with others. */
export const OWN_MEMORY_BYTES = Buffer.poolSize >>> 1;
