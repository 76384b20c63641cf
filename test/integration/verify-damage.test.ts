/** reliability.md, 6 and 7: whatever is changed in any object is detected and named, and never delivered. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HEADER_BYTES } from '../../src/engine/crypto/object-header.ts';
import { FOLDERS } from '../../src/engine/repository/object-names.ts';
import { count } from '../support/counts.ts';
import { complaints, type ObjectZoo, objectZoo, restoreEach } from '../support/object-zoo.ts';
import { namesOf, overwrite } from '../support/repository-world.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../support/seed.ts';

let zoo: ObjectZoo;
let random: SeededRandom;
/** Names by type of object: `config`, `keys/`, `packs/` … */
let kinds: string[][];

before(async () => {
  random = seededRandom('verify damage');
  zoo = await objectZoo(random);
  const names = await namesOf(zoo.world.storage);
  const folders = ['config', ...Object.values(FOLDERS)];
  kinds = folders
    .map((folder) => names.filter((name) => name.startsWith(folder)))
    .filter(({ length }) => length > 0);
  assert.equal(kinds.length, 11, 'every type of object but the waiting manifests');
  assert.equal(await complaints(zoo, true), '', 'the zoo itself is whole');
});

/** Puts other bytes in an object's place, looks, and puts the right ones back. */
async function withBytes<T>(name: string, bytes: Buffer, look: () => Promise<T>): Promise<T> {
  const { storage } = zoo.world;
  const right = await storage.get(name);
  await overwrite(storage, name, bytes);
  try {
    return await look();
  } finally {
    await overwrite(storage, name, right);
  }
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3]! ^= 1 << (bit & 7);
  return copy;
}

test('a flipped bit anywhere is detected, its object named, and no wrong byte delivered', async () => {
  for (let i = 0; i < count(110, 1100); i += 1) {
    const name = random.pick(kinds[i % kinds.length]!);
    const bytes = await zoo.world.storage.get(name);
    const bit = random.int(8 * bytes.length);
    await withBytes(name, flipped(bytes, bit), async () => {
      const found = await complaints(zoo);
      assert.ok(found.includes(name), `bit ${bit} of ${name}: ${found || 'nothing noticed'}`);
      if (i % count(4, 1) > 0) return;
      const outcomes = [...(await restoreEach(zoo)).values()];
      assert.ok(!outcomes.includes('wrong'), `bit ${bit} of ${name} delivered wrong bytes`);
    });
  }
});

test('every bit of the header of every type of object counts', async () => {
  const sealed = kinds.filter(([name]) => name !== 'config' && !name!.startsWith(FOLDERS.slots));
  for (const names of sealed) {
    const name = random.pick(names);
    const bytes = await zoo.world.storage.get(name);
    const step = count(29, 1);
    for (let bit = random.int(step); bit < 8 * HEADER_BYTES; bit += step) {
      const found = await withBytes(name, flipped(bytes, bit), () => complaints(zoo));
      assert.ok(found.includes(name), `header bit ${bit} of ${name}: ${found || 'nothing noticed'}`);
    }
  }
});

/** Cuts, drops, doubles, swaps and appends at the borders of an object's parts, and one byte beside them. */
function* variants(bytes: Buffer, others: readonly Buffer[], of: SeededRandom): Generator<[string, Buffer]> {
  const random = () => of.int(bytes.length + 1);
  const borders = [
    0,
    28,
    60,
    HEADER_BYTES,
    bytes.length - 24,
    bytes.length - 16,
    bytes.length - 8,
    bytes.length,
    random(),
  ]
    .filter((at) => at >= 0 && at <= bytes.length)
    .sort((a, b) => a - b);
  for (const at of borders) {
    for (const end of [at - 1, at, at + 1]) {
      if (end >= 0 && end < bytes.length) yield [`cut at ${end}`, bytes.subarray(0, end)];
    }
  }
  for (let i = 0; i + 1 < borders.length; i += 1) {
    const [from, to] = [borders[i]!, borders[i + 1]!];
    const [head, part, tail] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
    if (part.length === 0) continue;
    yield [`dropped ${from}-${to}`, Buffer.concat([head, tail])];
    yield [`doubled ${from}-${to}`, Buffer.concat([head, part, part, tail])];
    const end = borders[i + 2] ?? bytes.length;
    const next = bytes.subarray(to, end);
    yield [`reordered ${from}-${to}-${end}`, Buffer.concat([head, next, part, bytes.subarray(end)])];
    const other = of.pick(others);
    yield [`swapped ${from}-${to} with another`, Buffer.concat([head, other.subarray(from, to), tail])];
  }
  for (const more of [Buffer.alloc(1), of.bytes(16), bytes]) {
    yield [`appended ${more.length}`, Buffer.concat([bytes, more])];
  }
  for (const other of others) yield ['replaced by another', other];
}

test('cut, dropped, doubled, reordered, swapped and appended parts are all detected', async () => {
  const all = kinds.flat();
  let tried = 0;
  const share = count(12, 1);
  for (let i = 0; i < count(1, 5) || tried < count(0, 5000); i += 1) {
    for (const name of all) {
      const bytes = await zoo.world.storage.get(name);
      const others = await Promise.all(
        [random.pick(all), random.pick(kinds.find((names) => names.includes(name))!)].map((other) =>
          zoo.world.storage.get(other),
        ),
      );
      for (const [what, variant] of variants(bytes, others, randomFrom(random.int(2 ** 31)))) {
        if (variant.equals(bytes) || random.int(share) > 0) continue;
        tried += 1;
        const found = await withBytes(name, variant, () => complaints(zoo));
        assert.ok(found.includes(name), `${name} ${what}: ${found || 'nothing noticed'}`);
      }
    }
  }
  console.log(`# ${tried} variants`);
  assert.ok(tried >= count(50, 5000), `only ${tried} variants`);
});

test('two chunks that changed places inside a pack would be noticed: ids bind every byte', async () => {
  for (const name of kinds.find(([first]) => first!.startsWith(FOLDERS.packs))!) {
    const bytes = await zoo.world.storage.get(name);
    const swapped = Buffer.concat([
      bytes.subarray(0, HEADER_BYTES),
      bytes.subarray(HEADER_BYTES + 500, HEADER_BYTES + 1000),
      bytes.subarray(HEADER_BYTES, HEADER_BYTES + 500),
      bytes.subarray(HEADER_BYTES + 1000),
    ]);
    await withBytes(name, swapped, async () => {
      assert.ok((await complaints(zoo)).includes(name));
      assert.ok(![...(await restoreEach(zoo)).values()].includes('wrong'));
    });
  }
});

test('negative control: the harness sees what delivers wrong bytes, and what it does not name', async () => {
  const [id] = [...zoo.contents.keys()];
  const blind: ObjectZoo = { ...zoo, contents: new Map([...zoo.contents, [id!, 'something else']]) };
  assert.equal((await restoreEach(blind)).get(id!), 'wrong');
  assert.equal((await complaints(zoo)).includes('packs/'), false);
});
