import { createHash } from 'node:crypto';
import type { PutContent } from '../port.ts';
import { partsOf } from '../put-content.ts';

/** What OpenSSH takes in one request, header included; servers with a lower limit get it in pieces. */
const PART_BYTES = 255 * 1024;

export interface Part {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** The content of one put, for as many attempts as it takes. */
export interface Upload {
  /** True when an attempt goes on with the file of the one before instead of a new one. */
  readonly isResumed: boolean;
  /** Begins an attempt: what it has to write. */
  parts(): AsyncGenerator<Part>;
  /** The server has this part. */
  confirm(part: Part): void;
  /** Of everything so far. */
  readonly sizeBytes: number;
  /** Of everything; only for a resumed upload, whose earlier parts another server process took in. Once, at the end. */
  sha256(): Buffer;
  /** Lets go of the content, without waiting for a stream that may itself be stuck. Idempotent. */
  end(): void;
}

export function uploadOf(content: PutContent): Upload {
  const isStream = !(content instanceof Uint8Array) && !Array.isArray(content);
  return isStream ? streamUpload(content as AsyncIterable<Uint8Array>) : wholeUpload(content);
}

/** Content in memory starts over with each attempt. */
function wholeUpload(content: PutContent): Upload {
  let sizeBytes = 0;
  return {
    isResumed: false,
    async *parts() {
      sizeBytes = 0;
      for await (const bytes of partsOf(content)) {
        for (const part of sliced(bytes)) {
          yield { position: sizeBytes, bytes: part };
          sizeBytes += part.length;
        }
      }
    },
    confirm() {},
    get sizeBytes() {
      return sizeBytes;
    },
    sha256() {
      throw new Error('an upload from memory is never resumed');
    },
    end() {},
  };
}

/**
 * A stream cannot be asked for its beginning, so what the server has not confirmed is kept: as much as may be under way to
 * a server. The next attempt sends that first.
 */
function streamUpload(content: AsyncIterable<Uint8Array>): Upload {
  const iterator = partsOf(content);
  const kept = new Map<number, Part>();
  const hash = createHash('sha256');
  let digest: Buffer | null = null;
  let sizeBytes = 0;
  let isBegun = false;
  return {
    get isResumed() {
      return isBegun;
    },
    async *parts() {
      isBegun = true;
      yield* [...kept.values()];
      // Not with for-await: an attempt that ends early must not end the stream.
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        const parts = sliced(Buffer.from(next.value)).map((bytes) => {
          const part = { position: sizeBytes, bytes };
          sizeBytes += bytes.length;
          kept.set(part.position, part);
          hash.update(bytes);
          return part;
        });
        yield* parts;
      }
    },
    confirm: ({ position }) => void kept.delete(position),
    get sizeBytes() {
      return sizeBytes;
    },
    sha256() {
      digest ??= hash.digest();
      return digest;
    },
    end() {
      iterator.return(undefined).catch(() => {});
    },
  };
}

function sliced(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / PART_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES));
}
