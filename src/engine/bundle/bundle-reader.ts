import { createHash, type Hash } from 'node:crypto';
import { collect } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Credential } from '../crypto/key-text.ts';
import { decryptStream } from '../crypto/streaming-aead.ts';
import { artifactCheck, type PlacedItem } from './artifact-check.ts';
import {
  type BundleHeader,
  openDataKey,
  PREAMBLE_BYTES,
  parseHeader,
  readPreamble,
} from './bundle-header.ts';
import type { BundleItem } from './bundle-item.ts';
import {
  type BundleManifest,
  MANIFEST_NAME,
  parseBundleManifest,
  SIGNATURE_NAME,
} from './bundle-manifest.ts';
import { SIGNATURE_FILE_BYTES, tarHash, verifyBundleSignature } from './bundle-signature.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';
import { decompressStream } from './compression.ts';
import { type BundleLimits, DEFAULT_LIMITS, limitExceeded, malformed } from './limits.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

export interface BundleReadInput {
  /** The bytes of the bundle, in parts of any size. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Tried in order; not looked at when the bundle is not encrypted. */
  readonly credentials: readonly Credential[];
  /**
   * Whether a bundle that is not encrypted is read. Without keys anyone makes one, so whoever expects an encrypted one must
   * not be handed another in its place. Default: false.
   */
  readonly acceptsUnencrypted?: boolean;
  readonly limits?: Partial<BundleLimits>;
  /** Raw public keys. When given, the bundle must be signed by one of them. */
  readonly signers?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

export interface BundleReading {
  readonly header: BundleHeader;
  readonly manifest: BundleManifest;
  /** The bytes of manifest.json as they stand in the bundle. */
  readonly manifestJson: Buffer;
  /** The bytes of manifest.sig, null when there is none. Known once `items` has ended. */
  signature(): Buffer | null;
  /**
   * The artifacts' items in order, once. Content left unread is read and checked before the next item. Only when
   * this ends without throwing is the bundle whole: what came before is authentic, but may be followed by nothing.
   */
  readonly items: AsyncGenerator<PlacedItem>;
  /** Releases the source when `items` is not read to its end. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a bundle and reads its manifest. Throws `bundle_malformed`, `bundle_newer`, `key_missing`, `key_wrong`,
 * `bundle_not_encrypted`, `limit_exceeded`, `path_unsafe`; reading on also `restore_mismatch` and `manifest_forged`.
 */
export async function readBundle(input: BundleReadInput): Promise<BundleReading> {
  const limits = { ...DEFAULT_LIMITS, ...input.limits };
  const reader = byteReader(interruptible(input.source, input.signal));
  const hash = input.signers ? tarHash() : null;
  let tar: AsyncGenerator<TarEntry> | null = null;
  const release = async () => {
    await tar?.return(undefined);
    await reader.close();
  };
  try {
    const preamble = Buffer.from(await reader.exactly(PREAMBLE_BYTES));
    const json = Buffer.from(await reader.exactly(readPreamble(preamble)));
    const header = parseHeader(json);
    if (header.encryption === 'none' && !input.acceptsUnencrypted) {
      throw new HoldfastError('bundle_not_encrypted');
    }
    const packed = await openStream(reader, header, Buffer.concat([preamble, json]), input.credentials);
    const observe = (bytes: Uint8Array) => void hash?.update(bytes);
    tar = readTar(decompressStream(packed, header.compression, limits), limits, observe);
    const manifestJson = await readManifest(tar, observe, limits);
    const manifest = parseBundleManifest(manifestJson);
    if (manifest.id !== header.backupId) throw malformed('has a manifest of another backup');
    const signature: SignatureState = { file: null, hash, signers: input.signers ?? null };
    const items = itemsOf(tar, manifest, signature);
    const close = async () => {
      await items.return(undefined);
      await release();
    };
    return { header, manifest, manifestJson, signature: () => signature.file, items, close };
  } catch (error) {
    await release();
    throw error;
  }
}

interface SignatureState {
  file: Buffer | null;
  /** Of the tar so far; null when nobody will ask. */
  readonly hash: Hash | null;
  readonly signers: readonly Uint8Array[] | null;
}

async function* itemsOf(
  tar: AsyncGenerator<TarEntry>,
  manifest: BundleManifest,
  signature: SignatureState,
): AsyncGenerator<PlacedItem> {
  const { hash, signers } = signature;
  const check = artifactCheck(manifest);
  for await (const { item, raw } of tar) {
    if (signature.file !== null) throw malformed('has entries behind its signature');
    if (item.path.toString() === SIGNATURE_NAME) {
      const digest = hash?.copy().digest() ?? null;
      signature.file = await readSignature(item);
      if (signers && digest) verifyBundleSignature(signature.file, digest, signers);
      continue;
    }
    for (const bytes of raw) hash?.update(bytes);
    const placed = check.place(item);
    yield placed.item;
    await placed.finish();
  }
  check.finish();
  if (signers && signature.file === null) {
    throw new HoldfastError('manifest_forged', 'the bundle is not signed');
  }
}

async function openStream(
  reader: ByteReader,
  header: BundleHeader,
  head: Buffer,
  credentials: readonly Credential[],
): Promise<AsyncIterable<Buffer>> {
  if (header.encryption === 'none') return checksummed(reader, head);
  return decrypted(await openDataKey(header, credentials), head, reader);
}

async function* decrypted(dataKey: Buffer, head: Buffer, reader: ByteReader): AsyncGenerator<Buffer> {
  try {
    yield* decryptStream(dataKey, head, rest(reader));
  } finally {
    dataKey.fill(0);
  }
}

async function* rest(reader: ByteReader): AsyncGenerator<Buffer> {
  while (!(await reader.atEnd())) yield await reader.some(2 ** 20);
}

/** The bytes but the last 32, which must be the SHA-256 of everything before them. */
async function* checksummed(reader: ByteReader, head: Buffer): AsyncGenerator<Buffer> {
  const hash = createHash('sha256').update(head);
  let held: Buffer = Buffer.alloc(0);
  for await (const part of rest(reader)) {
    const both = Buffer.concat([held, part]);
    const body = both.subarray(0, Math.max(0, both.length - 32));
    held = both.subarray(body.length);
    hash.update(body);
    if (body.length > 0) yield body;
  }
  if (!hash.digest().equals(held)) throw malformed('does not fit its checksum');
}

async function readManifest(
  tar: AsyncGenerator<TarEntry>,
  observe: (bytes: Buffer) => void,
  limits: BundleLimits,
): Promise<Buffer> {
  const first = await tar.next();
  if (first.done) throw malformed('holds nothing');
  const { item, raw } = first.value;
  if (item.content === null || item.extents !== null || item.path.toString() !== MANIFEST_NAME) {
    throw malformed(`does not begin with ${MANIFEST_NAME}`);
  }
  if (item.sizeBytes > limits.maxManifestBytes) throw limitExceeded('a manifest', limits.maxManifestBytes);
  for (const bytes of raw) observe(bytes);
  return collect(item.content);
}

async function readSignature({ content, sizeBytes, extents }: BundleItem): Promise<Buffer> {
  if (content === null || extents !== null || sizeBytes !== SIGNATURE_FILE_BYTES) {
    throw malformed(`has a ${SIGNATURE_NAME} of the wrong form`);
  }
  return collect(content);
}

async function* interruptible(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
  for await (const part of source) {
    if (signal?.aborted) throw new HoldfastError('interrupted');
    yield part;
  }
}
