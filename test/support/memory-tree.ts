import { streamOf } from '../../src/engine/base/bytes.ts';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { decodeTreeEntries, encodeTreeEntry } from '../../src/engine/repository/tree-codec.ts';
import { type FilesOptions, filesSource } from '../../src/engine/sources/files/index.ts';
import type {
  ArtifactReader,
  Content,
  TreeArtifact,
  TreeEntry,
  TreeFacts,
  TreeSink,
} from '../../src/engine/sources/port.ts';
import { fleeting } from './stream-artifacts.ts';

/** Stands in for a repository: keeps contents in memory, records in their encoded form. */
export interface MemoryStore {
  readonly contents: Buffer[];
  /** Content of the tree written last is `contents[tree]`. */
  sink(): TreeSink & { end(): MemoryTree };
  readonly reader: ArtifactReader;
}

export interface MemoryTree {
  readonly content: Content;
  readonly entries: TreeEntry[];
  /** Contents begun, that is files read. */
  readonly begun: number;
  readonly aborted: number;
}

export function memoryStore(): MemoryStore {
  const contents: Buffer[] = [];
  const put = (bytes: Buffer): Content => {
    const refs = Buffer.alloc(36);
    refs.writeUInt32LE(contents.push(bytes) - 1);
    return { sizeBytes: bytes.length, depth: 0, refs: bytes.length === 0 ? Buffer.alloc(0) : refs };
  };
  const bytesOf = (content: Content) => {
    if (content.sizeBytes === 0) return Buffer.alloc(0);
    const bytes = contents[content.refs.readUInt32LE()];
    if (bytes === undefined) throw new HoldfastError('chunk_missing');
    return bytes;
  };
  const reader: ArtifactReader = {
    async *read(content) {
      yield* fleeting(bytesOf(content), 1 << 20);
    },
    entries: (content) => decodeTreeEntries(streamOf(bytesOf(content))),
  };
  const sink = () => {
    const records: Buffer[] = [];
    const entries: TreeEntry[] = [];
    let parts: Buffer[] | null = null;
    let begun = 0;
    let aborted = 0;
    const keep = (entry: TreeEntry) => {
      records.push(Buffer.from(encodeTreeEntry(entry)));
      entries.push({ ...entry, path: Buffer.from(entry.path) });
    };
    return {
      canReuse: (content: Content) =>
        content.sizeBytes === 0 || contents[content.refs.readUInt32LE()] !== undefined,
      add: keep,
      begin() {
        if (parts) throw new Error('begun twice');
        begun += 1;
        parts = [];
      },
      write(bytes: Uint8Array) {
        parts!.push(Buffer.from(bytes));
      },
      commit(entry: TreeEntry) {
        keep({ ...entry, content: put(Buffer.concat(parts!)) });
        parts = null;
      },
      abort() {
        if (!parts) throw new Error('aborted without begin');
        aborted += 1;
        parts = null;
      },
      end: () => ({ content: put(Buffer.concat(records)), entries, begun, aborted }),
    };
  };
  return { contents, sink, reader };
}

export interface BackedUp extends MemoryTree {
  readonly facts: TreeFacts;
}

/** Runs a files source with one root into the store. */
export async function backUp(
  store: MemoryStore,
  root: string,
  options: Partial<FilesOptions> & { previous?: MemoryTree; signal?: AbortSignal } = {},
): Promise<BackedUp> {
  const { previous, signal, ...rest } = options;
  const source = filesSource({ name: 'test', roots: [root], ...rest });
  const session = await source.open({
    progress: silentProgress,
    signal: signal ?? new AbortController().signal,
    scratchFolder: '/nonexistent',
  });
  try {
    const sink = store.sink();
    const entries = previous ? store.reader.entries(previous.content) : null;
    const facts = await (session.artifacts[0] as TreeArtifact).produce(sink, entries);
    return { ...sink.end(), facts };
  } finally {
    await session.close();
  }
}

export const pathsOf = (tree: MemoryTree): string[] =>
  tree.entries.map((entry) => entry.path.toString('latin1'));
