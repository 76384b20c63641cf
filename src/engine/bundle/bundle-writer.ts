import { createHash, randomBytes } from 'node:crypto';
import { streamOf } from '../base/bytes.ts';
import { KEY_BYTES } from '../crypto/gcm.ts';
import type { Credential } from '../crypto/key-text.ts';
import { encryptStream } from '../crypto/streaming-aead.ts';
import type { ScryptCost } from '../crypto/wrap.ts';
import { artifactCheck } from './artifact-check.ts';
import { type BundleEncryption, encodeHeader, sealDataKey } from './bundle-header.ts';
import { type BundleItem, plainFile } from './bundle-item.ts';
import {
  type BundleManifest,
  MANIFEST_NAME,
  parseBundleManifest,
  SIGNATURE_NAME,
} from './bundle-manifest.ts';
import { type BundleSign, tarHash } from './bundle-signature.ts';
import { type Compression, compressStream } from './compression.ts';
import { checkEntryPath } from './entry-path.ts';
import { DEFAULT_LIMITS, malformed } from './limits.ts';
import { TAR_END, tarBytes } from './tar-writer.ts';

export interface BundleInput {
  readonly backupId: string;
  /** ISO 8601, UTC. Defaults to now. */
  readonly createdAt?: string;
  readonly compression?: Compression;
  readonly encryption?: BundleEncryption;
  /** Each of them will open the bundle; at most 8, ignored with encryption `none`. */
  readonly credentials: readonly Credential[];
  /** As in the repository; its `id` is the backup id. */
  readonly manifestJson: Buffer;
  /** For example `bundleSigner(key)`. Without it the bundle carries no signature. */
  readonly sign?: BundleSign;
  /** Every stream artifact, and of every tree its entries and then its record stream (`recordsName`). */
  readonly items: AsyncIterable<BundleItem>;
  readonly scrypt?: ScryptCost;
}

/**
 * The bytes of a bundle, made as they are read, in memory of a few segments. A bundle is whole only once the
 * generator ended: a reader rejects any part of it. Throws `bundle_malformed`, `restore_mismatch` and
 * `source_failed` when the items are not what the manifest says, `key_missing` without a credential.
 */
export async function* writeBundle(input: BundleInput): AsyncGenerator<Buffer> {
  const manifest = parseBundleManifest(input.manifestJson);
  if (manifest.id !== input.backupId) throw malformed('has a manifest of another backup');
  const { compression = 'zstd', encryption = 'aes-256-gcm-hkdf-1mb' } = input;
  const common = {
    version: 1,
    compression,
    encryption,
    createdAt: input.createdAt ?? new Date().toISOString(),
    backupId: input.backupId,
  } as const;
  const packed = compressStream(tarOf(input, manifest), compression);
  if (encryption === 'none') {
    yield* withChecksum(encodeHeader({ ...common, keys: [], commitment: null }), packed);
    return;
  }
  const dataKey = randomBytes(KEY_BYTES);
  try {
    const slots = await sealDataKey(dataKey, input.credentials, input.backupId, input.scrypt);
    const head = encodeHeader({ ...common, ...slots });
    yield head;
    yield* encryptStream(dataKey, head, packed);
  } finally {
    dataKey.fill(0);
  }
}

async function* tarOf(input: BundleInput, manifest: BundleManifest): AsyncGenerator<Uint8Array> {
  const hash = input.sign ? tarHash() : null;
  async function* hashed(item: BundleItem) {
    for await (const bytes of tarBytes(item)) {
      hash?.update(bytes);
      yield bytes;
    }
  }
  yield* hashed(plainFile(MANIFEST_NAME, input.manifestJson.length, streamOf(input.manifestJson)));
  const check = artifactCheck(manifest);
  for await (const item of input.items) {
    checkEntryPath(item.path, DEFAULT_LIMITS);
    const placed = check.place(item);
    yield* hashed(placed.item);
    await placed.finish();
  }
  check.finish();
  if (input.sign && hash) {
    const { signature, fingerprint } = input.sign(hash.digest());
    const file = Buffer.concat([signature, fingerprint]);
    yield* tarBytes(plainFile(SIGNATURE_NAME, file.length, streamOf(file)));
  }
  yield TAR_END;
}

async function* withChecksum(head: Buffer, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256').update(head);
  yield head;
  for await (const part of body) {
    hash.update(part);
    yield part;
  }
  yield hash.digest();
}
