/** Sources and restores without a repository: artifacts in memory, as a sink received them. */
import { silentProgress } from '../../src/engine/base/progress.ts';
import type {
  ArtifactReader,
  Content,
  Facts,
  SourceContext,
  SourceSession,
} from '../../src/engine/sources/port.ts';

export interface MemoryArtifact {
  readonly name: string;
  readonly kind: string;
  readonly bytes: Buffer;
  readonly facts: Facts;
  /** Offsets at which the source asked for a chunk to end. */
  readonly cuts: readonly number[];
  /** Stands for the bytes towards `memoryReader`. */
  readonly content: Content;
}

export function sourceContext(scratchFolder: string, signal?: AbortSignal): SourceContext {
  return { progress: silentProgress, signal: signal ?? new AbortController().signal, scratchFolder };
}

/** Opens a source, collects every stream artifact and closes it, whatever happens. */
export async function runSource<S extends SourceSession>(
  source: { open(context: SourceContext): Promise<S> },
  context: SourceContext,
  meanwhile?: (session: S) => Promise<void>,
): Promise<MemoryArtifact[]> {
  const session = await source.open(context);
  try {
    const collected: MemoryArtifact[] = [];
    for (const artifact of session.artifacts) {
      if (artifact.form !== 'stream') throw new Error(`${artifact.name} is no stream`);
      const parts: Buffer[] = [];
      const cuts: number[] = [];
      let size = 0;
      const facts = await artifact.produce({
        write(bytes) {
          parts.push(Buffer.from(bytes));
          size += bytes.length;
        },
        cut: () => void cuts.push(size),
      });
      collected.push(memoryArtifact(artifact.name, artifact.kind, Buffer.concat(parts), facts, cuts));
    }
    await meanwhile?.(session);
    return collected;
  } finally {
    await session.close();
  }
}

const stored = new WeakMap<Content, Buffer>();

export function memoryArtifact(
  name: string,
  kind: string,
  bytes: Buffer,
  facts: Facts = {},
  cuts: readonly number[] = [],
): MemoryArtifact {
  const content: Content = { sizeBytes: bytes.length, depth: 0, refs: Buffer.alloc(0) };
  stored.set(content, bytes);
  return { name, kind, bytes, facts, cuts, content };
}

/**
 * The pieces one after the other in memory that is overwritten as soon as the next is asked for: what holds on to one
 * longer than it may gets nonsense.
 */
export async function* fleeting(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    yield piece;
    piece.fill(0xa5);
  }
}

/** Reads what `memoryArtifact` holds, in pieces of `pieceBytes`. */
export function memoryReader(pieceBytes = 65_536): ArtifactReader {
  return {
    async *read(content, range) {
      const bytes = stored.get(content)!;
      const { start, end } = range ?? { start: 0, end: bytes.length };
      yield* fleeting(bytes.subarray(start, end), pieceBytes);
    },
    async *entries() {
      yield* [];
    },
  };
}
