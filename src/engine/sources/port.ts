/**
 * The port every source implements. A source produces artifacts into sinks the engine gives it, and never
 * sees a repository. Life: `open` → each artifact's `produce` once, in order → `close` (always).
 */
import type { Progress } from '../base/progress.ts';

export type SourceKind = 'sqlite' | 'postgres' | 'files' | 'command';

export interface SourceContext {
  /** The source itself advances it by the bytes and entries it read. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** A private 0700 folder that is empty at the start and removed by the engine afterwards. */
  readonly scratchFolder: string;
}

export interface Source {
  readonly kind: SourceKind;
  /** Unique within a plan; the prefix of its artifact names where several sources share one. */
  readonly name: string;
  /**
   * Checks the source and takes its point in time. Throws `source_missing`, `source_denied`, `source_busy`,
   * `database_unreachable`, `database_auth`, `tool_missing`.
   */
  open(context: SourceContext): Promise<SourceSession>;
}

export interface SourceSession {
  /** Null where unknown. Used for progress only. */
  readonly estimatedBytes: number | null;
  readonly artifacts: readonly Artifact[];
  /** Releases snapshots, children and scratch files. Idempotent, never throws. */
  close(): Promise<void>;
}

/** Facts are plain JSON, kept in the manifest as they are. */
export type Facts = { readonly [key: string]: JsonValue };
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type Artifact = StreamArtifact | TreeArtifact;

/** How a stream is cut into chunks: see docs/format.md, "Chunking". */
export type Chunking =
  | { readonly method: 'content'; readonly profile: 'dump' | 'file' }
  | { readonly method: 'fixed'; readonly sizeBytes: number };

export interface StreamArtifact {
  readonly form: 'stream';
  /** A file name such as `db.dump` or `app.sqlite`. */
  readonly name: string;
  /** What it is: `pg-dump`, `pg-globals`, `pg-csv`, `sqlite`, `command`, `json`. */
  readonly kind: string;
  readonly chunking: Chunking;
  /**
   * Writes all bytes and resolves with the facts once the source confirmed that they are complete.
   * Throws otherwise: a run with a failed artifact is never committed.
   */
  produce(sink: ByteSink, previous?: PreviousArtifact | null): Promise<Facts>;
}

/** What the backup before says of the same artifact: bytes that are the same need not be checked again. */
export interface PreviousArtifact {
  readonly sizeBytes: number;
  /** Hex, of all its bytes. */
  readonly sha256: string;
  readonly facts: Facts;
}

/** Where a stream artifact writes. Await a returned promise before the next call: that is the backpressure. */
export interface ByteSink {
  /** The bytes are copied before the call returns (or its promise resolves); the caller may reuse them. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** A chunk ends here, whatever the chunker thinks. */
  cut(): void;
}

export interface TreeArtifact {
  readonly form: 'tree';
  readonly name: string;
  readonly kind: 'tree';
  /**
   * Emits every entry in tree order (`compareTreePaths`), merging with the previous backup's entries, which
   * come in the same order; null when there is none. Returns facts with counts and what could not be read.
   */
  produce(sink: TreeSink, previous: ReadyEntries | null): Promise<TreeFacts>;
}

/** Entries one by one, most of which are at hand. */
export interface ReadyEntries extends AsyncIterable<TreeEntry> {
  [Symbol.asyncIterator](): AsyncIterator<TreeEntry, undefined> & {
    /** The next entry without a promise; null where it takes one, and `next` is to be called. */
    ready?(): TreeEntry | null;
  };
}

export interface TreeFacts {
  readonly facts: Facts;
  /** Entries that could not be read or never held still, by name and cause. Non-empty makes a run `incomplete`. */
  readonly problems: readonly TreeProblem[];
}

export interface TreeProblem {
  /** Escaped for people: invalid UTF-8 as `\xNN`. */
  readonly path: string;
  readonly cause: 'denied' | 'vanished' | 'changing' | 'io';
  readonly message: string;
}

/** Where a tree artifact writes. Same backpressure rule as ByteSink. */
export interface TreeSink {
  /** Adds an entry without content, or one whose `content` is taken over from the previous backup. */
  add(entry: TreeEntry): void | Promise<void>;
  /**
   * True when every chunk of a content taken from the previous backup is still in the repository;
   * when false the file must be read again.
   */
  canReuse(content: Content): boolean;
  /**
   * Begins the content of one file. At most one is open at a time. `previous` is what the backup before holds of the same
   * file, if it does: what changed little since is stored as a difference.
   */
  begin(previous: Content | null): void | Promise<void>;
  write(bytes: Uint8Array): void | Promise<void>;
  /** Ends the content and adds the entry with it; `entry.content` is ignored. */
  commit(entry: TreeEntry): void | Promise<void>;
  /** Throws the content begun away, so that the file can be read again. */
  abort(): void;
}

/**
 * One entry of a file tree. `path` holds raw bytes, relative to the tree's root, `/`-separated, without
 * leading slash; the root itself is the empty path.
 */
export interface TreeEntry {
  readonly path: Buffer;
  readonly type: 'file' | 'folder' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character';
  /** Permission bits with setuid, setgid and sticky: 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** User and group names on the source host, empty when unknown. */
  readonly user: string;
  readonly group: string;
  readonly modifiedAtNs: bigint;
  readonly changedAtNs: bigint;
  readonly inode: bigint;
  /** Size of a file's content including holes; 0 for anything else. */
  readonly sizeBytes: number;
  /** Symlink target, raw bytes. */
  readonly linkTarget: Buffer | null;
  /** Path of the first entry of the same inode: this entry is a hard link to it and has no content. */
  readonly hardLinkTo: Buffer | null;
  readonly deviceNumber: bigint;
  /**
   * Data extents of a sparse file, ascending, each [offset, length]; `content` is their concatenation.
   * Null for a file without holes.
   */
  readonly extents: readonly (readonly [offset: number, length: number])[] | null;
  readonly content: Content | null;
}

/** A reference to stored bytes. Opaque to sources. Layout: docs/format.md, "Content". */
export interface Content {
  readonly sizeBytes: number;
  /** 0: `refs` name data chunks; n: they name chunks whose concatenation are the refs of depth n-1. */
  readonly depth: number;
  /** Concatenated chunk references, 36 bytes each. */
  readonly refs: Buffer;
}

/** What a source's restore side reads from. */
export interface ArtifactReader {
  /**
   * Bytes [start, end) of a stream artifact, authenticated; the whole when no range is given. The memory is used again:
   * each piece is valid only until the next is asked for.
   */
  read(content: Content, range?: { start: number; end: number }): AsyncIterable<Buffer>;
  /**
   * Bytes of several contents, one after the other, in pieces that may span two of them. Each content has exactly its
   * size; each piece is valid as those of `read`. Far faster than one `read` for each of many small contents; left out where it would be the same.
   */
  readJoined?(contents: readonly Content[]): AsyncIterable<Buffer>;
  /** Entries of a tree artifact in tree order. */
  entries(content: Content): AsyncIterable<TreeEntry>;
}
