import { createHash } from 'node:crypto';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import type { ByteRange } from '../port.ts';
import { readBody } from './s3-body.ts';
import type { S3Calls } from './s3-calls.ts';
import { AttemptLost, isBeyondEnd, isTaken } from './s3-failure.ts';
import { CONTENT_SHA256, PART_BYTES, tagOf, tagOfParts } from './s3-written.ts';

/** One request of a stream; the next is under way while one is used. */
const OPEN_BYTES = 4 * 2 ** 20;

export interface ReadRequest {
  readonly key: string;
  /** For messages. */
  readonly name: string;
  /** Of a versioned bucket; absent for what is current. */
  readonly versionId?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads a whole object. Bytes that differ from what was written are read again; when they stay the same it is the object that
 * is damaged, and it is given as it is: whoever reads checks it and says what of it is bad.
 */
export async function readWhole(calls: S3Calls, request: ReadRequest): Promise<Buffer> {
  const { client, target, patience } = calls;
  let before: string | null = null;
  return calls.run(
    { what: request.name, needs: 's3:GetObject', signal: request.signal, sizeBytes: 2 ** 28 },
    async (signal) => {
      const command = new GetObjectCommand({
        ...placeOf(calls, request),
        // After a difference, the SDK must let the bytes through.
        ...(target.checksums === 'when-supported' && before === null && { ChecksumMode: 'ENABLED' as const }),
      });
      const answer = await client.send(command, { abortSignal: signal });
      let bytes: Buffer;
      try {
        bytes = await readBody(answer, patience.idleMs, signal);
      } catch (error) {
        if (error instanceof Error && /checksum mismatch/i.test(error.message)) before ??= '';
        throw error;
      }
      if (isAsWritten(answer, bytes)) return bytes;
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found === before) return bytes;
      before = found;
      throw new AttemptLost('other bytes came than were written');
    },
  );
}

/** True as well for what other programs wrote: nothing is known of it. */
function isAsWritten({ Metadata, ETag }: GetObjectCommandOutput, bytes: Buffer): boolean {
  const sha256 = Metadata?.[CONTENT_SHA256];
  if (sha256 !== undefined) return createHash('sha256').update(bytes).digest('hex') === sha256;
  const tag = tagOf(ETag);
  const expected = tagOfParts(bytes, Number(Metadata?.[PART_BYTES]), tag);
  return expected === null || expected === tag;
}

/** Reads a range, cut to the object; empty when it begins beyond its end. */
export async function readRange(calls: S3Calls, request: ReadRequest, range: ByteRange): Promise<Buffer> {
  return (await readPart(calls, request, range, null)).bytes;
}

/** Reads an object as a stream: each piece is a request of its own, repeated alone, all of one state of the object. */
export async function* readStream(calls: S3Calls, request: ReadRequest): AsyncGenerator<Buffer> {
  const pieceAt = (offset: number, tag: string | null) =>
    readPart(calls, request, { offset, length: OPEN_BYTES }, tag);
  let piece = await pieceAt(0, null);
  const { totalBytes, tag } = piece;
  for (let at = 0; at < totalBytes; ) {
    at += piece.bytes.length;
    const next = at < totalBytes ? pieceAt(at, tag) : null;
    next?.catch(() => {});
    yield piece.bytes;
    if (!next) return;
    piece = await next;
  }
}

interface Piece {
  readonly bytes: Buffer;
  readonly totalBytes: number;
  readonly tag: string | null;
}

async function readPart(
  calls: S3Calls,
  request: ReadRequest,
  { offset, length }: ByteRange,
  tag: string | null,
): Promise<Piece> {
  const { client, patience } = calls;
  const options = { what: request.name, needs: 's3:GetObject', signal: request.signal, sizeBytes: length };
  return calls.run(options, async (signal) => {
    const command = new GetObjectCommand({
      ...placeOf(calls, request),
      Range: `bytes=${offset}-${offset + length - 1}`,
      ...(tag !== null && { IfMatch: tag }),
    });
    try {
      const answer = await client.send(command, { abortSignal: signal });
      const totalBytes = checkedRange(answer.ContentRange, offset, length);
      const bytes = await readBody(answer, patience.idleMs, signal);
      if (bytes.length !== Math.min(length, totalBytes - offset))
        throw new AttemptLost('another range came than was asked for');
      return { bytes, totalBytes, tag: answer.ETag ?? null };
    } catch (error) {
      if (isBeyondEnd(error)) return { bytes: Buffer.alloc(0), totalBytes: 0, tag: null };
      if (isTaken(error))
        throw new HoldfastError('storage_io', `${request.name} was replaced while it was read`, {
          cause: error,
        });
      throw error;
    }
  });
}

/** The size of the whole object. Some servers answer a range with something else; that must not pass for it. */
function checkedRange(text: string | undefined, offset: number, length: number): number {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? '');
  const [from, to, totalBytes] = (match ?? []).slice(1).map(Number);
  if (from !== offset || totalBytes === undefined || to !== Math.min(offset + length, totalBytes) - 1)
    throw new AttemptLost(`another range came than was asked for: ${text ?? 'none named'}`);
  return totalBytes;
}

function placeOf({ target }: S3Calls, { key, versionId }: ReadRequest) {
  return { Bucket: target.bucket, Key: key, ...(versionId !== undefined && { VersionId: versionId }) };
}
