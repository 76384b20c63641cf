/** Tars no honest writer makes, wrapped as bundles that are whole in every other respect. */
import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeHeader } from '../../src/engine/bundle/bundle-header.ts';
import type { Compression } from '../../src/engine/bundle/compression.ts';
import { encodePax } from '../../src/engine/bundle/pax.ts';
import { bareBlock, encodeBlock, paddingOf } from '../../src/engine/bundle/tar-block.ts';
import { BACKUP_ID } from './bundles.ts';

export interface RawEntry {
  readonly name: string | Buffer;
  readonly type?: string;
  readonly link?: string | Buffer;
  readonly mode?: number;
  readonly content?: Buffer;
  /** What the header says, when it lies. */
  readonly size?: number;
  readonly records?: Readonly<Record<string, string>>;
}

export const TAR_END = Buffer.alloc(1024);

/** One entry as tar bytes; names of any length and content go into extended records. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = entry.content ?? Buffer.alloc(0);
  const size = entry.size ?? content.length;
  const records = new Map<string, Buffer>([['path', Buffer.from(entry.name)]]);
  if (entry.link !== undefined) records.set('linkpath', Buffer.from(entry.link));
  for (const [key, value] of Object.entries(entry.records ?? {})) records.set(key, Buffer.from(value));
  const body = encodePax(records);
  const head = encodeBlock(bareBlock(Buffer.from('x'), 'x', body.length));
  const plain = { ...bareBlock(Buffer.from('x'), entry.type ?? '0', size), mode: entry.mode ?? 0o644 };
  const pads = [body, content].map((bytes) => Buffer.alloc(paddingOf(bytes.length)));
  return Buffer.concat([head, body, pads[0]!, encodeBlock(plain), content, pads[1]!]);
}

/** A manifest of one tree named `t`, whose record stream is empty. */
export const TREE_MANIFEST = Buffer.from(
  JSON.stringify({
    id: BACKUP_ID,
    artifacts: [{ name: 't', form: 'tree', sizeBytes: 0, sha256: createHash('sha256').digest('hex') }],
  }),
);

/** The tar of such a tree with these entries in it. */
export function treeTar(entries: readonly RawEntry[]): Buffer {
  const all = [
    { name: 'manifest.json', content: TREE_MANIFEST },
    { name: 't/', type: '5', mode: 0o755 },
    ...entries,
    { name: 't.tree' },
  ];
  return Buffer.concat([...all.map(rawEntry), TAR_END]);
}

/** Wraps already compressed bytes as an unencrypted bundle with a right checksum. */
export function wrapCompressed(packed: Buffer, compression: Compression = 'zstd'): Buffer {
  const head = encodeHeader({
    version: 1,
    compression,
    encryption: 'none',
    keys: [],
    commitment: null,
    createdAt: '2026-01-02T03:04:05.678Z',
    backupId: BACKUP_ID,
  });
  return Buffer.concat([head, packed, createHash('sha256').update(head).update(packed).digest()]);
}

export function wrapTar(tar: Buffer, compression: Compression = 'zstd'): Buffer {
  return wrapCompressed(
    compression === 'zstd' ? zstdCompressSync(tar) : gzipSync(tar, { level: 1 }),
    compression,
  );
}
