import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '../../../test/support/seed.ts';
import type { Content, TreeEntry } from '../sources/port.ts';
import { decodeTreeEntries } from './tree-codec.ts';
import { openTreeWriter, type TreeContentStream, type TreeStreams } from './tree-writer.ts';

interface FakeStreams extends TreeStreams {
  readonly streams: { bytes: Buffer[]; flushes: number }[];
}

/** A chunk writer whose contents resolve only when the stream is flushed, which is the worst allowed. */
function lazyStreams(fail?: Error): FakeStreams {
  const streams: { bytes: Buffer[]; flushes: number }[] = [];
  const openStream = (): TreeContentStream => {
    const all = { bytes: [] as Buffer[], flushes: 0 };
    let since: Buffer[] = [];
    let waiting: (() => void)[] = [];
    streams.push(all);
    return {
      write(bytes) {
        const copy = Buffer.from(bytes);
        all.bytes.push(copy);
        since.push(copy);
      },
      cut() {},
      follow() {},
      discard() {
        all.bytes.splice(all.bytes.length - since.length);
        since = [];
      },
      takeContent() {
        const bytes = Buffer.concat(since);
        since = [];
        const { promise, resolve, reject } = Promise.withResolvers<Content>();
        const refs = Buffer.alloc(36);
        createHash('sha256').update(bytes).digest().copy(refs);
        waiting.push(() => (fail ? reject(fail) : resolve({ sizeBytes: bytes.length, depth: 0, refs })));
        return promise;
      },
      flush() {
        all.flushes += 1;
        const ready = waiting;
        waiting = [];
        setImmediate(() => {
          for (const settle of ready) settle();
        });
      },
      async end() {
        const bytes = Buffer.concat(all.bytes);
        return {
          content: { sizeBytes: bytes.length, depth: 0, refs: Buffer.alloc(36) },
          sha256: createHash('sha256').update(bytes).digest(),
        };
      },
    };
  };
  return { openStream, streams };
}

const entryOf = (path: string, type: TreeEntry['type'], sizeBytes = 0): TreeEntry => ({
  path: Buffer.from(path),
  type,
  mode: 0o644,
  uid: 0,
  gid: 0,
  user: '',
  group: '',
  modifiedAtNs: 0n,
  changedAtNs: 0n,
  inode: 0n,
  sizeBytes,
  linkTarget: null,
  hardLinkTo: null,
  deviceNumber: 0n,
  extents: null,
  content: null,
});

async function readRecords(fake: FakeStreams): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const stream = (async function* () {
    yield* fake.streams[1]!.bytes;
  })();
  for await (const entry of decodeTreeEntries(stream)) entries.push(entry);
  return entries;
}

test('records stay in order though contents resolve late, and nothing deadlocks', async () => {
  const random = seededRandom('tree writer');
  const fake = lazyStreams();
  const writer = openTreeWriter(fake, { canReuse: () => true });
  const expected: [string, string][] = [];
  for (let i = 0; i < 20_000; i += 1) {
    const path = String(i).padStart(6, '0');
    const kind = random.int(4);
    const text = kind === 2 ? `text ${i}` : '';
    if (kind === 0) await writer.add(entryOf(path, 'folder'));
    else if (kind === 1)
      await writer.add({
        ...entryOf(path, 'file', 4),
        content: { sizeBytes: 4, depth: 0, refs: Buffer.alloc(36, i) },
      });
    else {
      await writer.begin(null);
      if (random.int(10) === 0) {
        await writer.write(Buffer.from('torn'));
        writer.abort();
        await writer.begin(null);
      }
      await writer.write(Buffer.from(text));
      await writer.commit(entryOf(path, 'file', text.length));
    }
    expected.push([path, text]);
  }
  const result = await writer.end();
  const records = await readRecords(fake);
  assert.deepEqual(
    records.map(({ path }) => path.toString()),
    expected.map(([path]) => path),
  );
  for (const [i, { content }] of records.entries()) {
    const [, text] = expected[i]!;
    if (text) assert.ok(content!.refs.subarray(0, 32).equals(createHash('sha256').update(text).digest()));
  }
  assert.equal(result.entries, 20_000);
  assert.equal(
    result.sizeBytes,
    records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  assert.ok(!Buffer.concat(fake.streams[0]!.bytes).includes('torn'));
  // A few flushes for many thousand files: slots of the chunk writer go out full.
  assert.ok(fake.streams[0]!.flushes <= 10, `${fake.streams[0]!.flushes} flushes`);
});

test('a failing data stream fails the writer', async () => {
  const writer = openTreeWriter(lazyStreams(new Error('disk gone')), { canReuse: () => true });
  await writer.begin(null);
  await writer.write(Buffer.from('x'));
  await writer.commit(entryOf('a', 'file', 1));
  await assert.rejects(writer.end(), /disk gone/);
});

test('contents taken over are reported once each, in order', async () => {
  const seen: number[] = [];
  const writer = openTreeWriter(lazyStreams(), {
    canReuse: () => true,
    onReuse: async (content) => void seen.push(content.refs[0]!),
  });
  for (let i = 0; i < 5; i += 1) {
    await writer.add({
      ...entryOf(`f${i}`, 'file', 1),
      content: { sizeBytes: 1, depth: 0, refs: Buffer.alloc(36, i) },
    });
  }
  await writer.end();
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
});

test('a file whose data and size disagree is never recorded', () => {
  const writer = openTreeWriter(lazyStreams(), { canReuse: () => true });
  writer.begin(null);
  writer.write(Buffer.from('12345'));
  assert.throws(() => writer.commit(entryOf('a', 'file', 4)), { code: 'internal' });
});
