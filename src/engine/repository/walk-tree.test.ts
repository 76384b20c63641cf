import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { entry } from '../../../test/support/hostile-trees.ts';
import { type SeededRandom, seededRandom } from '../../../test/support/seed.ts';
import type { Content, TreeEntry } from '../sources/port.ts';
import { eachRef, writeRef } from './refs.ts';
import { encodeTreeEntry } from './tree-codec.ts';
import { type ChunkSource, walkContent } from './walk-content.ts';
import { type WalkMemo, walkMemo } from './walk-memo.ts';
import { walkTree } from './walk-tree.ts';

/** Chunks by what is in them, as a repository has them; how often one is fetched is counted. */
function chunkStore() {
  const chunks = new Map<string, Buffer>();
  const store = {
    fetched: 0,
    put(bytes: Buffer): Buffer {
      const id = createHash('sha256').update(bytes).digest();
      chunks.set(id.toString('hex'), bytes);
      const ref = Buffer.alloc(36);
      writeRef(ref, 0, id, bytes.length, 0);
      return ref;
    },
    /** Cut where the bytes say so: a change moves few borders. */
    content(bytes: Buffer, levels: number): Content {
      let refs = Buffer.concat(cutUp(bytes).map(store.put));
      for (let level = 0; level < levels; level += 1) refs = Buffer.concat(cutUp(refs).map(store.put));
      return { sizeBytes: bytes.length, depth: levels, refs };
    },
    source: {
      async readChunk(id: Buffer) {
        store.fetched += 1;
        return chunks.get(id.toString('hex'))!;
      },
      async *refs(content: Content) {
        let refs = content.refs;
        for (let depth = content.depth; depth > 0; depth -= 1) {
          refs = Buffer.concat([...eachRef(refs)].map(({ id }) => chunks.get(id.toString('hex'))!));
        }
        yield* eachRef(refs);
      },
    } satisfies ChunkSource,
  };
  return store;
}

function cutUp(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const isBorder = at - start > 30 && (bytes[at]! * 31 + bytes[at - 1]!) % 97 === 0;
    if (!isBorder && at < bytes.length - 1) continue;
    pieces.push(bytes.subarray(start, at + 1));
    start = at + 1;
  }
  return pieces;
}

type Store = ReturnType<typeof chunkStore>;

const fileOf = (store: Store, random: SeededRandom, path: string): TreeEntry => {
  const bytes = random.bytes(1 + random.int(900));
  return entry(path, 'file', { sizeBytes: bytes.length, content: store.content(bytes, random.int(3)) });
};

/** Generations of a tree of which some files change, go and come each time. */
function* generations(store: Store, random: SeededRandom): Generator<Content> {
  const name = (number: number) => `file-${String(number).padStart(5, '0')}`;
  const files = new Map<string, TreeEntry>();
  for (let number = 0; number < 300; number += 2)
    files.set(name(number), fileOf(store, random, name(number)));
  for (let generation = 0; generation < 8; generation += 1) {
    for (let change = 0; change < 5; change += 1) {
      const path = name(random.int(300));
      if (random.int(3) === 0) files.delete(path);
      else files.set(path, fileOf(store, random, path));
    }
    const records = [...files.keys()].sort().map((path) => Buffer.from(encodeTreeEntry(files.get(path)!)));
    yield store.content(Buffer.concat(records), random.int(3));
  }
}

const NO_MEMO: WalkMemo = { find: () => undefined, keep: () => {}, flaws: () => 0 };

/** All chunks that trees need, and what each tree's files come to. */
async function needed({ source }: Store, trees: readonly Content[], memo: WalkMemo) {
  const ids = new Set<string>();
  const sizes: number[] = [];
  const onChunk = (id: Buffer) => void ids.add(id.toString('hex'));
  for (const tree of trees) {
    const onEntry = ({ content }: TreeEntry) =>
      content ? walkContent(source, content, onChunk, memo) : undefined;
    sizes.push(await walkTree(source, tree, { onChunk, onEntry, memo }));
  }
  return { ids: [...ids].sort(), sizes };
}

/** Takes a chunk for known whatever state it is met in. */
function carelessMemo(): WalkMemo {
  const memo = walkMemo();
  return {
    ...memo,
    find: (id, depth) => memo.find(id, depth, []),
    keep: (id, depth, _, walked, flaws) => memo.keep(id, depth, [], walked, flaws),
  };
}

test('what is passed over was met before: the same chunks and sizes as without a memo, for fewer reads', async () => {
  const random = seededRandom('walk memo');
  let carelessFailures = 0;
  for (let round = 0; round < count(5, 400); round += 1) {
    const store = chunkStore();
    const trees = [...generations(store, random)];
    const naive = await needed(store, trees, NO_MEMO);
    const reads = store.fetched;
    assert.deepEqual(await needed(store, trees, walkMemo()), naive);
    assert.ok(store.fetched - reads < reads / 2, `${store.fetched - reads} reads instead of ${reads}`);
    const careless = await needed(store, trees, carelessMemo()).catch(() => null);
    if (JSON.stringify(careless) !== JSON.stringify(naive)) carelessFailures += 1;
  }
  assert.ok(carelessFailures > 0, 'a memo that forgets the state must be caught');
});

test('what has a flaw is met again every time', async () => {
  const random = seededRandom('walk memo with flaws');
  const store = chunkStore();
  const [tree] = generations(store, random);
  const bad = [...eachRef(tree!.refs)].at(-1)!.id;
  let flaws = 0;
  const memo = walkMemo(() => flaws);
  const source = store.source;
  const walk = async () => {
    const before = flaws;
    await walkTree(source, tree!, {
      onChunk(id) {
        if (id.equals(bad)) flaws += 1;
      },
      onEntry({ content, path }) {
        // Damage of a file, which the records do not show.
        if (path.toString().endsWith('8') && content) flaws += 1;
      },
      memo,
    });
    return flaws - before;
  };
  const first = await walk();
  assert.ok(first > 10);
  assert.equal(await walk(), first);
});
