/** Small bundles for tests: everything an artifact can be, made from plain values. */
import { createHash } from 'node:crypto';
import { collect, streamOf } from '../../src/engine/base/bytes.ts';
import type { BundleItem } from '../../src/engine/bundle/bundle-item.ts';
import { plainFile, plainFolder } from '../../src/engine/bundle/bundle-item.ts';
import { recordsName } from '../../src/engine/bundle/bundle-manifest.ts';
import { readBundle } from '../../src/engine/bundle/bundle-reader.ts';
import { type BundleInput, writeBundle } from '../../src/engine/bundle/bundle-writer.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';

export const BACKUP_ID = '0193f2a1-0000-7000-8000-000000000001';
export const LOW_SCRYPT = { n: 16, r: 1, p: 1 };
export const TEST_KEY: Credential = { kind: 'raw', key: Buffer.alloc(32, 7) };

/** Artifacts by name: bytes are a stream, a list of items is a tree (paths below its root). */
export interface BundleParts {
  readonly [name: string]: Buffer | readonly BundleItem[];
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const recordsOf = (name: string) => Buffer.from(`records of ${name}`);

export function manifestOf(parts: BundleParts, backupId = BACKUP_ID): Buffer {
  const artifacts = Object.entries(parts).map(([name, part]) => ({
    name,
    form: Buffer.isBuffer(part) ? 'stream' : 'tree',
    sizeBytes: Buffer.isBuffer(part) ? part.length : 0,
    sha256: sha256(Buffer.isBuffer(part) ? part : recordsOf(name)),
  }));
  return Buffer.from(JSON.stringify({ version: 1, id: backupId, artifacts }));
}

export async function* itemsOf(parts: BundleParts): AsyncGenerator<BundleItem> {
  for (const [name, part] of Object.entries(parts)) {
    if (Buffer.isBuffer(part)) {
      yield plainFile(name, part.length, streamOf(part));
      continue;
    }
    yield plainFolder(name);
    for (const item of part) yield { ...item, path: Buffer.concat([Buffer.from(`${name}/`), item.path]) };
    yield plainFile(recordsName(name), recordsOf(name).length, streamOf(recordsOf(name)));
  }
}

export function bundleStream(parts: BundleParts, options: Partial<BundleInput> = {}) {
  return writeBundle({
    backupId: BACKUP_ID,
    createdAt: '2026-01-02T03:04:05.678Z',
    credentials: [TEST_KEY],
    manifestJson: manifestOf(parts, options.backupId),
    items: itemsOf(parts),
    scrypt: LOW_SCRYPT,
    ...options,
  });
}

export function bundleBytes(parts: BundleParts, options: Partial<BundleInput> = {}): Promise<Buffer> {
  return collect(bundleStream(parts, options));
}

export interface ReadItem extends Omit<BundleItem, 'content'> {
  readonly role: string;
  readonly bytes: Buffer | null;
}

/** Everything in a bundle, in memory. */
export async function readAll(
  source: AsyncIterable<Uint8Array>,
  options: Partial<Parameters<typeof readBundle>[0]> = {},
): Promise<ReadItem[]> {
  const reading = await readBundle({ source, credentials: [TEST_KEY], acceptsUnencrypted: true, ...options });
  const items: ReadItem[] = [];
  for await (const { content, artifact: _, ...item } of reading.items) {
    items.push({ ...item, bytes: content ? await collect(content) : null });
  }
  return items;
}

/** The same bytes in parts of at most `size`. */
export async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Bytes that can be read more than once. */
export function again(bytes: Buffer): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => streamOf(bytes) };
}

/** A file item below a tree. */
export function fileItem(path: string | Buffer, bytes: Buffer, more: Partial<BundleItem> = {}): BundleItem {
  return { ...plainFile('', bytes.length, again(bytes)), path: Buffer.from(path), mode: 0o644, ...more };
}

/** A symlink or hard link below a tree. */
export function linkItem(kind: 'symlink' | 'hardlink', path: string, target: string | Buffer): BundleItem {
  const base = plainFolder('');
  return { ...base, kind, path: Buffer.from(path), mode: 0o777, linkTarget: Buffer.from(target) };
}

/**
 * What somebody with the key makes of a bundle: the same backup id, times and sizes, and one artifact with its last byte changed,
 * everything else in order. Nobody signed it.
 */
export async function forgedBundle(genuine: Buffer, credential: Credential, name: string): Promise<Buffer> {
  const { header, manifestJson, close } = await readBundle({
    source: streamOf(genuine),
    credentials: [credential],
  });
  await close();
  const items = await readAll(streamOf(genuine), { credentials: [credential] });
  const target = items.find(({ path }) => path.toString() === name)!;
  target.bytes![target.bytes!.length - 1]! ^= 1;
  const manifest = JSON.parse(manifestJson.toString()) as { artifacts: { name: string; sha256: string }[] };
  manifest.artifacts.find((one) => one.name === name)!.sha256 = sha256(target.bytes!);
  async function* changed(): AsyncGenerator<BundleItem> {
    for (const { role: _, bytes, ...item } of items) yield { ...item, content: bytes && streamOf(bytes) };
  }
  const { backupId, createdAt } = header;
  return collect(
    writeBundle({
      ...{ backupId, createdAt, credentials: [credential], items: changed() },
      manifestJson: Buffer.from(JSON.stringify(manifest)),
    }),
  );
}
