import type { ArtifactReader, Content, TreeEntry } from '../port.ts';

/** Larger contents are streamed. */
const WHOLE_MAX_BYTES = 1 << 20;
const FILES_AHEAD = 64;
const BYTES_AHEAD = 16 << 20;

export interface EntryWithData {
  readonly entry: TreeEntry;
  /** The joined data of a small file, being read; null for anything else. */
  readonly data: Promise<Uint8Array> | null;
}

async function readWhole(reader: ArtifactReader, content: Content): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of reader.read(content)) parts.push(part);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Passes entries on in order with the contents of small files read ahead, at most 64 files and 16 MiB. */
export async function* withData(
  entries: AsyncIterable<TreeEntry>,
  reader: ArtifactReader,
): AsyncGenerator<EntryWithData> {
  const queue: EntryWithData[] = [];
  let bytesAhead = 0;
  const take = (): EntryWithData => {
    const next = queue.shift()!;
    if (next.data) bytesAhead -= next.entry.content!.sizeBytes;
    return next;
  };
  for await (const entry of entries) {
    const { content } = entry;
    let data: Promise<Uint8Array> | null = null;
    if (content !== null && content.sizeBytes <= WHOLE_MAX_BYTES) {
      bytesAhead += content.sizeBytes;
      data = readWhole(reader, content);
      // Reported when it is this file's turn.
      data.catch(() => {});
    }
    queue.push({ entry, data });
    while (queue.length > FILES_AHEAD || bytesAhead > BYTES_AHEAD) yield take();
  }
  while (queue.length > 0) yield take();
}
