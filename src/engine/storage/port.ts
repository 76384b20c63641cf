/**
 * The port every destination implements. Objects are opaque, written once, never changed.
 * Names are slash-separated segments of `[A-Za-z0-9._-]`, no segment is empty, `.` or `..`;
 * anything else throws `storage_name_invalid` before anything is touched.
 *
 * All calls may throw `storage_unreachable`, `storage_denied`, `storage_io`. Retryable errors were
 * already retried by `retryingStorage` where the caller wraps a storage in it.
 */
export interface Storage {
  /** Where it is, for people; never holds a credential. */
  readonly address: string;
  /** True where reading back costs nothing but time, as from a folder of this machine. False when absent. */
  readonly readsAreCheap?: boolean;
  /** True where `put` awaits `StorageOptions.pace` itself, between the pieces it hands to the network. */
  readonly isPaced?: boolean;

  /**
   * Writes a whole object and returns once it is durable. Never overwrites: `exists` means an object of
   * that name was there and was left alone. A failed or interrupted put leaves no object of that name.
   * Throws `storage_full`.
   */
  put(name: string, content: PutContent, options?: StorageOptions): Promise<'created' | 'exists'>;

  /** Reads a whole object, or `length` bytes from `offset`, into memory that is the caller's own. A range beyond the end is cut to it. Throws `object_missing`. */
  get(name: string, range?: ByteRange, options?: StorageOptions): Promise<Buffer>;

  /** Reads a large object as a stream. Throws `object_missing` at the latest on first read. */
  open(name: string, options?: StorageOptions): AsyncIterable<Buffer>;

  /** Every object whose name begins with `prefix` (a plain string prefix), in ascending bytewise order. */
  list(prefix: string, options?: StorageOptions): AsyncIterable<ObjectInfo>;

  /** Null when there is no such object. */
  stat(name: string, options?: StorageOptions): Promise<ObjectInfo | null>;

  /** Deletes durably. Deleting what is not there succeeds. */
  remove(name: string, options?: StorageOptions): Promise<void>;

  /** Bytes still free, or null where that cannot be known (object storage). */
  freeBytes(): Promise<number | null>;

  /**
   * Renews the lock of an object that is still needed; false when what is left of it is enough. Only where the
   * destination was opened with locks. Throws `object_missing`.
   */
  readonly extendLock?: (
    object: Pick<ObjectInfo, 'name' | 'modifiedAtMs'>,
    options?: StorageOptions,
  ) => Promise<boolean>;

  /** What matters for backups and shows in no other call. May write objects that no listing shows. */
  readonly inspect?: () => Promise<readonly StorageFinding[]>;

  /** Releases connections. Idempotent. */
  close(): Promise<void>;
}

export interface StorageFinding {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** Null when nothing is to be done. */
  readonly next: string | null;
}

/** Whole content in parts (written in order), or a stream of unknown length. */
export type PutContent = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>;

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface StorageOptions {
  readonly signal?: AbortSignal;
  /** Of a put: awaited before so many bytes go out. Only where the storage says `isPaced`; see `limitedStorage`. */
  readonly pace?: (bytes: number) => Promise<void>;
  /** Of a put: the SHA-256 of the content, in hex, where the caller has it already. A storage that sends one need not compute it. */
  readonly sha256?: string;
}

export interface ObjectInfo {
  readonly name: string;
  readonly sizeBytes: number;
  /** The storage's own time of the write, milliseconds since 1970 UTC. */
  readonly modifiedAtMs: number;
}
