import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { ByteRange } from '../port.ts';
import type { SftpLink } from './sftp-link.ts';
import type { SftpSession } from './sftp-session.ts';

/** Four packets of the channel. Larger requests gain nothing, smaller ones cost the server a call each. */
const PART_BYTES = 128 * 1024;
/** Requests under way for one object: ssh2 takes in 2 MiB before it waits for its reader. */
const WINDOW_PARTS = 16;
/** A range of this size gets its memory without asking how long the object is. */
const SMALL_BYTES = 1 << 20;
const SEGMENT_BYTES = 1 << 20;
const SEGMENTS_AHEAD = 2;

/** A whole file, or a range of it, cut at the end of the file. Throws `storage_io` when it ends before its own size. */
export async function readRemote(
  session: SftpSession,
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const handle = await session.open(path, 'r', 0);
  try {
    if (range && range.length <= SMALL_BYTES) {
      const bytes = Buffer.allocUnsafe(range.length);
      return bytes.subarray(0, await fill(session, handle, bytes, range.offset, signal));
    }
    const size = await session.sizeOf(handle);
    const offset = Math.min(range?.offset ?? 0, size);
    const bytes = Buffer.allocUnsafe(Math.min(range?.length ?? size, size - offset));
    const filled = await fill(session, handle, bytes, offset, signal);
    if (filled < bytes.length) throw endedEarly(path, offset + filled, size);
    return bytes;
  } finally {
    session.close(handle).catch(() => {});
  }
}

/**
 * A large file in order, in segments, two of them fetched ahead. A broken connection costs the segments under way: objects
 * never change, so that reading goes on where it stopped.
 */
export async function* streamRemote(
  link: SftpLink,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let opened: { readonly session: SftpSession; readonly handle: Promise<Buffer> } | null = null;
  const handleOf = (session: SftpSession): Promise<Buffer> => {
    if (opened?.session !== session) {
      opened = { session, handle: session.open(path, 'r', 0) };
      opened.handle.catch(() => {});
    }
    return opened.handle;
  };
  const fetch = (at: number) =>
    link.run(async (session) => {
      const bytes = Buffer.allocUnsafe(Math.min(SEGMENT_BYTES, size - at));
      const filled = await fill(session, await handleOf(session), bytes, at, signal);
      if (filled < bytes.length) throw endedEarly(path, at + filled, size);
      return bytes;
    }, signal);
  let size = 0;
  try {
    size = await link.run(async (session) => session.sizeOf(await handleOf(session)), signal);
    const ahead: Promise<Buffer>[] = [];
    for (let at = 0; at < size || ahead.length > 0; ) {
      while (at < size && ahead.length <= SEGMENTS_AHEAD) {
        const segment = fetch(at);
        segment.catch(() => {});
        ahead.push(segment);
        at += SEGMENT_BYTES;
      }
      yield await ahead.shift()!;
    }
  } finally {
    await link.ifConnected(async (session) => {
      if (opened?.session === session) await session.close(await opened.handle);
    }, signal);
  }
}

/** True when both files hold the same bytes. */
export async function sameContent(session: SftpSession, one: string, other: string): Promise<boolean> {
  const handles = await Promise.all([session.open(one, 'r', 0), session.open(other, 'r', 0)]);
  try {
    const [size, otherSize] = await Promise.all(handles.map((handle) => session.sizeOf(handle)));
    if (size !== otherSize) return false;
    for (let at = 0; at < size!; at += SEGMENT_BYTES) {
      const length = Math.min(SEGMENT_BYTES, size! - at);
      const [left, right] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)];
      const filled = await Promise.all([
        fill(session, handles[0]!, left, at, undefined),
        fill(session, handles[1]!, right, at, undefined),
      ]);
      if (filled[0] !== filled[1]) return false;
      if (!left.subarray(0, filled[0]).equals(right.subarray(0, filled[1]))) return false;
    }
    return true;
  } finally {
    for (const handle of handles) session.close(handle).catch(() => {});
  }
}

/** SHA-256 of a whole file. */
export async function hashRemote(session: SftpSession, path: string): Promise<Buffer> {
  const handle = await session.open(path, 'r', 0);
  try {
    const hash = createHash('sha256');
    const bytes = Buffer.allocUnsafe(SEGMENT_BYTES);
    for (let at = 0; ; at += SEGMENT_BYTES) {
      const filled = await fill(session, handle, bytes, at, undefined);
      hash.update(bytes.subarray(0, filled));
      if (filled < SEGMENT_BYTES) return hash.digest();
    }
  } finally {
    session.close(handle).catch(() => {});
  }
}

/** Reads side by side into `into`; how many bytes there were before the end of the file. */
async function fill(
  session: SftpSession,
  handle: Buffer,
  into: Buffer,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let next = 0;
  let end = into.length;
  const readPart = async (start: number) => {
    const stop = Math.min(start + PART_BYTES, into.length);
    for (let at = start; at < stop && at < end; ) {
      const read = await session.read(handle, into.subarray(at, stop), offset + at);
      if (read === 0) end = Math.min(end, at);
      at += read;
    }
  };
  const reader = async () => {
    while (next < end) {
      signal?.throwIfAborted();
      const start = next;
      next += PART_BYTES;
      await readPart(start);
    }
  };
  const readers = Math.min(WINDOW_PARTS, Math.ceil(into.length / PART_BYTES));
  await Promise.all(Array.from({ length: readers }, reader));
  return end;
}

function endedEarly(path: string, at: number, size: number): HoldfastError {
  return new HoldfastError('storage_io', `${path} ended after ${at} of ${size} bytes`);
}
