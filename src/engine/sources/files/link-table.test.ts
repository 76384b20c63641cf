import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../../test/support/counts.ts';
import { type SeededRandom, seededRandom } from '../../../../test/support/seed.ts';
import { linkTable } from './link-table.ts';

interface Model {
  readonly number: number;
  links: number;
  path: string | null;
  announced: number;
  done: number;
}

/** Names of a hundred files met in random order, some more often than their files say, beside a plain Map. */
function playLinks(
  random: SeededRandom,
  steps: number,
  dropsAt = (file: Model) => file.done >= file.links,
): void {
  const table = linkTable();
  const model = new Map<string, Model>();
  const waiting: Model[] = [];
  const announce = () => {
    const device = BigInt(random.int(3)) + (1n << 40n);
    // Inodes that differ only above or only below 32 bits.
    const inode = (BigInt(random.int(6)) << 32n) + BigInt(random.int(8));
    const links = 2 + random.int(4);
    const key = `${device}:${inode}`;
    const known = model.get(key);
    const { number, isFirst } = table.announce(device, inode, links);
    assert.equal(isFirst, known === undefined, key);
    if (known) assert.equal(number, known.number, key);
    const file = known ?? { number, links, path: null, announced: 0, done: 0 };
    file.links = Math.max(file.links, links);
    file.announced += 1;
    model.set(key, file);
    waiting.push(file);
  };
  const finish = () => {
    const file = waiting.shift();
    if (!file) return;
    assert.equal(table.pathOf(file.number)?.toString('latin1') ?? null, file.path);
    // Sometimes the first name cannot be read.
    if (random.int(5) > 0) {
      const path = random.bytes(random.int(300)).toString('latin1');
      table.store(file.number, Buffer.from(path, 'latin1'));
      file.path ??= path;
    }
    table.done(file.number);
    file.done += 1;
    if (!dropsAt(file) || file.done !== file.announced) return;
    for (const [key, value] of model) if (value === file) model.delete(key);
  };
  for (let i = 0; i < steps; i += 1) {
    if (random.int(2) === 0) announce();
    else finish();
    assert.equal(table.count, model.size);
  }
  for (const file of model.values()) {
    assert.equal(table.pathOf(file.number)?.toString('latin1') ?? null, file.path);
  }
}

test('the table of links says what a Map says, whatever comes and goes', () => {
  const random = seededRandom('link table');
  for (let i = 0; i < count(20, 400); i += 1) playLinks(random, 3000);
});

test('negative control: a table that would forget a file one name early is noticed', () => {
  const random = seededRandom('link table, early');
  assert.throws(() => playLinks(random, 3000, (file) => file.done >= file.links - 1));
});

test('a hundred thousand files of two names need little beside one path each, and nothing at the end', () => {
  const table = linkTable();
  const files = 100_000;
  const path = (i: number) => Buffer.from(`daily.0/home/anna/letters/${i}.txt`);
  const numbers: number[] = [];
  for (let i = 0; i < files; i += 1) {
    const { number } = table.announce(1n, BigInt(1_000_000 + i), 2);
    table.store(number, path(i));
    table.done(number);
    numbers.push(number);
  }
  const pathBytes = path(files).length;
  const each = table.memoryBytes / files;
  assert.ok(each < 1.25 * (pathBytes + 45), `${each} bytes for each file`);
  for (let i = 0; i < files; i += 1) {
    assert.equal(table.announce(1n, BigInt(1_000_000 + i), 2).number, numbers[i]);
    table.done(numbers[i]!);
  }
  assert.equal(table.count, 0);
});

test('what is done with makes room for what comes', () => {
  const table = linkTable();
  const path = Buffer.alloc(200, 'p');
  for (let i = 0; i < 100_000; i += 1) {
    for (const isSecond of [false, true]) {
      const { number, isFirst } = table.announce(1n, BigInt(i), 2);
      assert.equal(isFirst, !isSecond);
      table.store(number, path);
      table.done(number);
    }
  }
  assert.ok(table.memoryBytes < 512 * 1024, `${table.memoryBytes} bytes`);
});
