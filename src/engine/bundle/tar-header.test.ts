import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { extract } from 'tar-stream';
import { bundleBytes, fileItem, linkItem } from '../../../test/support/bundles.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { HoldfastError } from '../base/errors.ts';
import { plainFolder } from './bundle-item.ts';
import { decodePax, encodePax } from './pax.ts';
import { encodeSparseMap, readSparseMap } from './sparse-map.ts';
import { bareBlock, decodeBlock, encodeBlock } from './tar-block.ts';
import { encodeTarHeader, readTarHeader } from './tar-header.ts';

const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;

const PARTS = {
  'db.dump': Buffer.from('a dump'),
  tree: [
    fileItem('file', Buffer.from('text'), {
      mode: 0o640,
      modifiedAtNs: 1_500_000_000_123_456_789n,
      inode: 5n,
    }),
    fileItem(`deep/${'n'.repeat(150)}`, Buffer.from('long name')),
    fileItem('n\u00e4me', Buffer.from('utf-8')),
    fileItem('sparse', Buffer.alloc(4196, 88), {
      sizeBytes: 1_000_000,
      extents: [
        [4096, 4096],
        [16_384, 100],
      ],
    }),
    { ...plainFolder('folder'), mode: 0o750 },
    linkItem('symlink', 'link', 'file'),
    linkItem('hardlink', 'hard', 'tree/file'),
  ],
};

/** The tar inside an unencrypted gzip bundle: the bytes between its header and its checksum. */
async function tarGzip(): Promise<Buffer> {
  const bytes = await bundleBytes(PARTS, { encryption: 'none', compression: 'gzip' });
  return bytes.subarray(12 + bytes.readUInt32LE(8), -32);
}

test('GNU tar unpacks what is inside, in silence', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'inside.tar.gz'), await tarGzip());
  await mkdir(join(folder, 'out'));
  const args = ['-xf', 'inside.tar.gz', '-C', 'out'];
  const output = execFileSync('tar', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  assert.equal(output, '');
  const read = (name: string) => readFile(join(folder, 'out', name), 'utf8');
  assert.equal(await read('db.dump'), 'a dump');
  assert.equal(await read('tree/hard'), 'text');
  assert.equal(await read('tree/link'), 'text');
  assert.equal(await read('tree/n\u00e4me'), 'utf-8');
  assert.equal(await read(`tree/deep/${'n'.repeat(150)}`), 'long name');
  const sparse = await readFile(join(folder, 'out/tree/sparse'));
  const expected = Buffer.alloc(1_000_000).fill(88, 4096, 8192).fill(88, 16_384, 16_484);
  assert.equal(sparse.equals(expected), true);
  assert.equal(
    (await stat(join(folder, 'out/tree/file'), { bigint: true })).mtimeNs,
    1_500_000_000_123_456_789n,
  );
});

test('tar-stream reads the same entries', async () => {
  const { gunzipSync } = await import('node:zlib');
  const reader = extract();
  reader.end(gunzipSync(await tarGzip()));
  const seen: string[] = [];
  for await (const entry of reader) {
    seen.push(`${entry.header.type} ${entry.header.name}`);
    entry.resume();
  }
  const sparse = seen.filter((line) => line.includes('GNUSparseFile'));
  assert.equal(sparse.length, 1);
  assert.deepEqual(
    seen.filter((line) => !line.includes('GNUSparseFile')),
    [
      'file manifest.json',
      'file db.dump',
      'directory tree/',
      'file tree/file',
      `file tree/deep/${'n'.repeat(150)}`,
      'file tree/n\u00e4me',
      'directory tree/folder/',
      'symlink tree/link',
      'link tree/hard',
      'file tree.tree',
    ],
  );
});

test('a plain name needs no extended header; its block is ustar to the letter', () => {
  const block = encodeTarHeader(fileItem('name', Buffer.alloc(5), { mode: 0o644, uid: 8, gid: 9 }), 5);
  assert.equal(block.length, 512);
  assert.equal(
    block.toString('latin1', 100, 156),
    '0000644\x000000010\x000000011\x0000000000005\x0000000000000\x00010046\x00 ',
  );
  assert.equal(block.toString('latin1', 257, 265), 'ustar\x0000');
});

test('extended records whose length needs another digit are right, and binary values survive', () => {
  for (let length = 0; length < 1100; length += 1) {
    const records = new Map([
      ['path', Buffer.alloc(length, 0x0a)],
      ['b', Buffer.of(0xff, 0x3d)],
    ]);
    const bytes = encodePax(records);
    assert.equal(Number(bytes.toString('latin1', 0, bytes.indexOf(' '))), bytes.length - '7 b=xx\n'.length);
    assert.deepEqual(decodePax(bytes), records);
  }
});

test('malformed extended records are refused', () => {
  const wrong = [
    'x',
    '5',
    '5 a=b',
    '05 a=\n',
    '6 a=b\n\n',
    '5 a=b\n',
    '9 a=b\n',
    '3 \n',
    '-5 a=b\n',
    '6 abc\n',
    '99999999999 a=\n',
    '0 a=b\n',
    ' 6 a=b\n',
    '1e1 a=bcd\n',
  ];
  for (const text of wrong)
    assert.throws(() => decodePax(Buffer.from(text)), code('bundle_malformed'), JSON.stringify(text));
  assert.throws(() => decodePax(Buffer.from(`80 ${'k'.repeat(70)}=vvvvv\n`)), code('bundle_malformed'));
});

test('blocks with a changed byte, a wrong magic or a field that is no number are refused', () => {
  const block = encodeBlock(bareBlock(Buffer.from('name'), '0', 5));
  assert.equal(decodeBlock(block)?.size, 5);
  assert.equal(decodeBlock(Buffer.alloc(512)), null);
  for (let at = 0; at < 512; at += 1) {
    const changed = Buffer.from(block);
    changed[at]! += 1;
    // The checksum's own blank may change without changing its value.
    if (at === 155) continue;
    assert.throws(() => decodeBlock(changed), code('bundle_malformed'), `byte ${at}`);
  }
});

/** The header of one item with some of its records or its type replaced. */
async function readPatched(records: Record<string, string>, type = '0', size = 0) {
  const body = encodePax(new Map(Object.entries(records).map(([key, value]) => [key, Buffer.from(value)])));
  const head = encodeBlock(bareBlock(Buffer.from('x'), 'x', body.length));
  const pad = Buffer.alloc((512 - (body.length % 512)) % 512);
  let bytes = Buffer.concat([head, body, pad, encodeBlock(bareBlock(Buffer.from('name'), type, size))]);
  return readTarHeader(async (count) => {
    const piece = bytes.subarray(0, count);
    bytes = bytes.subarray(count);
    return piece;
  });
}

test('what a bundle may not hold is refused at its header', async () => {
  assert.equal((await readPatched({ path: 'other' }))?.path.toString(), 'other');
  for (const type of ['7', 'g', 'L', 'K', 'S', 'V', '\0', 'x']) {
    await assert.rejects(readPatched({}, type), code('bundle_malformed'), type);
  }
  for (const type of ['1', '2', '3', '4', '5', '6']) {
    await assert.rejects(readPatched({}, type, 1), code('bundle_malformed'), `content of type ${type}`);
  }
  const wrong: Record<string, string>[] = [
    { size: '-1' },
    { size: '1e3' },
    { size: '9'.repeat(16) },
    { size: '' },
    { uid: 'root' },
    { gid: '0x1' },
    { mtime: 'now' },
    { mtime: '1.' },
    { mtime: '9'.repeat(13) },
    { mtime: '999999999999' },
    { ctime: '--1' },
    { 'GNU.sparse.major': '1' },
    { 'GNU.sparse.major': '2', 'GNU.sparse.realsize': '5' },
    { comment: `holdfast inode=${2n ** 64n}` },
  ];
  for (const records of wrong)
    await assert.rejects(readPatched(records), code('bundle_malformed'), JSON.stringify(records));
});

test('sparse maps come back; those that do not add up are refused', async () => {
  const read = (bytes: Buffer, realSize: number) => {
    let at = 0;
    return readSparseMap(async () => {
      if (at >= bytes.length) throw new HoldfastError('bundle_malformed');
      at += 512;
      return bytes.subarray(at - 512, at);
    }, realSize);
  };
  const many = Array.from({ length: 500 }, (_, i) => [i * 8192, 4096] as const);
  for (const [extents, size] of [
    [[], 10],
    [many, 500 * 8192],
    [[[0, 5]], 5],
    [[[5, 5]], 11],
  ] as const) {
    const map = encodeSparseMap(extents, size);
    assert.equal(map.length % 512, 0);
    assert.deepEqual(await read(map, size), { extents: [...extents], mapBytes: map.length });
  }
  const pad = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc(512 - (text.length % 512))]);
  for (const text of [
    '1\n5\n6\n',
    '2\n0\n5\n4\n1\n',
    '1\n-1\n2\n',
    'x\n',
    '1\n0\n',
    '1\n9999999999999999\n0\n',
    '9'.repeat(600),
  ]) {
    await assert.rejects(read(pad(text), 10), code('bundle_malformed'), text);
  }
  await assert.rejects(read(Buffer.alloc(9 * 2 ** 20, '900000000000000\n'), 10), code('limit_exceeded'));
});
