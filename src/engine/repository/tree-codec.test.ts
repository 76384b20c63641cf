import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SeededRandom, seededRandom } from '../../../test/support/seed.ts';
import { compareTreePaths } from '../base/tree-order.ts';
import type { TreeEntry } from '../sources/port.ts';
import { decodeTreeBatches, decodeTreeEntries, encodeTreeEntry } from './tree-codec.ts';

const TYPES = ['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character'] as const;

function entryAt(path: Buffer, more: Partial<TreeEntry> = {}): TreeEntry {
  return {
    path,
    type: 'folder',
    mode: 0o755,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    modifiedAtNs: 0n,
    changedAtNs: 0n,
    inode: 0n,
    sizeBytes: 0,
    linkTarget: null,
    hardLinkTo: null,
    deviceNumber: 0n,
    extents: null,
    content: null,
    ...more,
  };
}

function randomName(random: SeededRandom): Buffer {
  const bytes = random.bytes(1 + random.int(random.int(20) === 0 ? 255 : 12));
  for (let i = 0; i < bytes.length; i += 1)
    if (bytes[i] === 0 || bytes[i] === 0x2f || bytes[i] === 0x2e) bytes[i] = 0x61;
  return bytes;
}

function randomExtents(random: SeededRandom, sizeBytes: number): [number, number][] {
  const extents: [number, number][] = [];
  for (let at = random.int(5); at < sizeBytes - 10 && extents.length < 300; ) {
    const length = 1 + random.int(Math.min(1e9, sizeBytes - at - 1));
    extents.push([at, length]);
    at += length + 1 + random.int(1e6);
  }
  return extents;
}

const big = (random: SeededRandom) => random.bytes(8).readBigUInt64LE();

function randomEntry(random: SeededRandom, path: Buffer, earlier: readonly Buffer[]): TreeEntry {
  const type = random.pick(TYPES);
  const owners = {
    user: random.pick(['', 'root', 'Jürgen', 'a'.repeat(300)]),
    group: random.pick(['', 'users']),
  };
  const numbers = {
    mode: random.int(0o10000),
    uid: random.int(2) * random.int(2 ** 32),
    gid: random.int(1000),
    modifiedAtNs: BigInt.asIntN(64, big(random)),
    changedAtNs: BigInt.asIntN(64, big(random)),
    inode: big(random),
    deviceNumber: big(random),
  };
  const more: Partial<TreeEntry> = { type, ...owners, ...numbers };
  if (type === 'symlink')
    return entryAt(path, {
      ...more,
      linkTarget: Buffer.from(random.bytes(1 + random.int(200)).map((b) => b || 1)),
    });
  if (type !== 'file') return entryAt(path, more);
  const sizeBytes = random.int(3) * random.int(2 ** 31) * random.pick([1, 2 ** 20]);
  if (earlier.length > 0 && random.int(4) === 0)
    return entryAt(path, { ...more, sizeBytes, hardLinkTo: random.pick(earlier) });
  const extents = random.int(3) === 0 ? randomExtents(random, sizeBytes) : null;
  const stored = extents ? extents.reduce((sum, [, length]) => sum + length, 0) : sizeBytes;
  const refs = random.bytes(36 * (1 + random.int(random.int(50) === 0 ? 256 : 4)));
  return entryAt(path, {
    ...more,
    sizeBytes,
    extents,
    content: stored === 0 ? null : { sizeBytes: stored, depth: random.int(5), refs },
  });
}

function randomTree(random: SeededRandom, many: number): TreeEntry[] {
  const folders: Buffer[] = [Buffer.alloc(0)];
  const paths = new Map<string, Buffer>([['', Buffer.alloc(0)]]);
  for (let i = 0; i < many; i += 1) {
    const parent = random.pick(folders);
    const name = randomName(random);
    const path = parent.length === 0 ? name : Buffer.concat([parent, Buffer.from('/'), name]);
    paths.set(path.toString('latin1'), path);
    if (random.int(3) === 0 && path.length < 2000) folders.push(path);
  }
  const sorted = [...paths.values()].sort(compareTreePaths);
  return sorted.map((path, i) => randomEntry(random, path, sorted.slice(0, i)));
}

const encodeAll = (entries: readonly TreeEntry[]) =>
  Buffer.concat(entries.map((entry) => Buffer.from(encodeTreeEntry(entry))));

async function* cutUp(bytes: Buffer, next: () => number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + next());
    // The same memory again and again, as a careless reader would hand it out.
    yield Buffer.from(bytes.subarray(at, end));
    at = end;
  }
}

async function decodeAll(bytes: Buffer, next: () => number = () => 65536): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for await (const entry of decodeTreeEntries(cutUp(bytes, next))) entries.push(entry);
  return entries;
}

test('random trees come back equal, however the bytes are cut up', async () => {
  const random = seededRandom('tree codec');
  for (let round = 0; round < 30; round += 1) {
    const entries = randomTree(random, 200);
    const bytes = encodeAll(entries);
    assert.deepEqual(await decodeAll(bytes), entries);
    assert.deepEqual(await decodeAll(bytes, () => 1 + random.int(random.pick([3, 100, 5000]))), entries);
  }
});

test('the tree order is the order of depth-first walks', async () => {
  const inOrder = ['', 'a', 'a/b', 'a/b/c', 'a/b!', 'a!', 'a!/x', 'a.', 'b'].map((path) =>
    entryAt(Buffer.from(path)),
  );
  assert.equal((await decodeAll(encodeAll(inOrder))).length, inOrder.length);
  for (let i = 1; i < inOrder.length; i += 1) {
    const swapped = [...inOrder];
    [swapped[i - 1], swapped[i]] = [swapped[i]!, swapped[i - 1]!];
    await assert.rejects(decodeAll(encodeAll(swapped)), { code: 'object_damaged' });
    // Also across two pieces.
    const first = encodeTreeEntry(swapped[i - 1]!).length;
    const pair = encodeAll(swapped.slice(i - 1, i + 1));
    await assert.rejects(
      decodeAll(pair, () => first),
      { code: 'object_damaged' },
    );
  }
  await assert.rejects(decodeAll(encodeAll([inOrder[1]!, inOrder[1]!])), { code: 'object_damaged' });
});

const path = Buffer.from('name');
const content = (sizeBytes: number, refs = 1) => ({ sizeBytes, depth: 0, refs: Buffer.alloc(36 * refs) });
const HOSTILE: [string, Partial<TreeEntry>][] = [
  ['dot', { path: Buffer.from('.') }],
  ['dot dot', { path: Buffer.from('a/..') }],
  ['empty component', { path: Buffer.from('a//b') }],
  ['leading slash', { path: Buffer.from('/a') }],
  ['trailing slash', { path: Buffer.from('a/') }],
  ['NUL', { path: Buffer.from('a\0') }],
  ['long name', { path: Buffer.alloc(256, 'a') }],
  ['long path', { path: Buffer.alloc((1 << 20) + 1, 'a/') }],
  ['hard link to dot dot', { type: 'file', hardLinkTo: Buffer.from('../a') }],
  ['hard link to a later entry', { type: 'file', hardLinkTo: Buffer.from('zzz') }],
  ['hard link to itself', { type: 'file', hardLinkTo: path }],
  ['hard-linked folder', { hardLinkTo: Buffer.from('a') }],
  [
    'hard link with content',
    { type: 'file', hardLinkTo: Buffer.from('a'), sizeBytes: 1, content: content(1) },
  ],
  ['symlink without target', { type: 'symlink' }],
  ['empty target', { type: 'symlink', linkTarget: Buffer.alloc(0) }],
  ['NUL in target', { type: 'symlink', linkTarget: Buffer.from('a\0b') }],
  ['file with target', { type: 'file', linkTarget: Buffer.from('a') }],
  ['folder with content', { content: content(1) }],
  ['folder with size', { sizeBytes: 1 }],
  ['device with extents', { type: 'block', extents: [] }],
  ['file without content', { type: 'file', sizeBytes: 1 }],
  ['content of another size', { type: 'file', sizeBytes: 2, content: content(1) }],
  ['content without references', { type: 'file', sizeBytes: 2, content: content(2, 0) }],
  ['references without content', { type: 'file', content: content(0, 1) }],
  ['too deep', { type: 'file', sizeBytes: 1, content: { ...content(1), depth: 5 } }],
  ['too many references', { type: 'file', sizeBytes: 1, content: content(1, 4097) }],
  ['extents beyond the end', { type: 'file', sizeBytes: 10, extents: [[5, 6]], content: content(6) }],
  [
    'extents that overlap',
    {
      type: 'file',
      sizeBytes: 10,
      extents: [
        [0, 5],
        [4, 2],
      ],
      content: content(7),
    },
  ],
  [
    'extents that touch',
    {
      type: 'file',
      sizeBytes: 10,
      extents: [
        [0, 5],
        [5, 2],
      ],
      content: content(7),
    },
  ],
  [
    'extents in disorder',
    {
      type: 'file',
      sizeBytes: 10,
      extents: [
        [5, 2],
        [0, 2],
      ],
      content: content(4),
    },
  ],
  ['an empty extent', { type: 'file', sizeBytes: 10, extents: [[5, 0]] }],
  ['mode bits', { mode: 0o10000 }],
  ['a long owner', { user: 'a'.repeat(2000) }],
];

test('records that make no sense are damaged', async () => {
  assert.equal((await decodeAll(encodeAll([entryAt(path)]))).length, 1);
  for (const [name, more] of HOSTILE) {
    await assert.rejects(decodeAll(encodeAll([entryAt(path, more)])), { code: 'object_damaged' }, name);
  }
});

test('damaged bytes give valid entries or object_damaged, never anything else', async () => {
  const random = seededRandom('damaged tree records');
  const bytes = encodeAll(randomTree(random, 40));
  for (let round = 0; round < 3000; round += 1) {
    const damaged = Buffer.from(bytes);
    for (let i = 0; i <= random.int(3); i += 1) damaged[random.int(damaged.length)] = random.int(256);
    const cut = random.int(2) === 0 ? damaged : damaged.subarray(0, random.int(damaged.length));
    try {
      for (const entry of await decodeAll(cut))
        assert.ok(!entry.path.includes('/../') && !entry.path.includes(0));
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'object_damaged', String(error));
    }
  }
});

test('a length that lies is refused before memory is taken for it', async () => {
  for (const bytes of [[0xff, 0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0x7f], [0x05, 1], [0x80]]) {
    await assert.rejects(decodeAll(Buffer.from(bytes)), { code: 'object_damaged' });
  }
});

test('batches hold what the piece completed', async () => {
  const entries = ['a', 'b', 'c'].map((name) => entryAt(Buffer.from(name)));
  const bytes = encodeAll(entries);
  const sizes: number[] = [];
  for await (const batch of decodeTreeBatches(cutUp(bytes, () => bytes.length - 1))) sizes.push(batch.length);
  assert.deepEqual(sizes, [2, 1]);
});
