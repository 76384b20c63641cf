/** Each part of the benchmark that a wrong number could hide in. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { copyRepository } from '../../bench/history/copy-repository.ts';
import { historyData } from '../../bench/history/history-data.ts';
import { measure } from '../../bench/measure.ts';
import { parseRequest } from '../../bench/options.ts';
import { PATTERNS, pickChanged } from '../../bench/patterns.ts';
import { BEGIN, between, END } from '../../bench/publish.ts';
import type { Sample } from '../../bench/results.ts';
import { spread, summarise } from '../../bench/summary.ts';
import { compareTrees } from '../../bench/workloads/compare-trees.ts';
import { filesWorkload, MIXED } from '../../bench/workloads/files.ts';
import { compareDatabases, sqliteWorkload } from '../../bench/workloads/sqlite.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const MIB = 1 << 20;

/** A grandchild that holds 150 MiB while it works for 0.6 seconds of the processor's, however busy the machine is. */
const BUSY =
  'const held = Buffer.alloc(150 * 2 ** 20, 1); for (; process.cpuUsage().user < 600_000;);' +
  'process.exitCode = held[5] - 1';
const PARENT = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(BUSY)}])`;

test('a measurement covers grandchildren, and never the process that measures', async () => {
  const own = Buffer.alloc(500 * MIB, 1);
  for (const steps of [
    [[[process.execPath, '-e', PARENT]]],
    [[['true']], [['true'], [process.execPath, '-e', PARENT]]],
  ]) {
    const { wallSeconds, cpuSeconds, peakBytes } = await measure({ steps }, signal);
    assert.ok(peakBytes > 150 * MIB, `${peakBytes}`);
    assert.ok(peakBytes < own.length, `${peakBytes}`);
    assert.ok(wallSeconds >= 0.4);
    assert.ok(cpuSeconds >= 0.4, `${cpuSeconds}`);
  }
});

test('what cannot be measured is refused before anything is made', () => {
  for (const [args, expected] of [
    [['--workload', 'history', '--s3'], /leave --s3 out/],
    [['--size', '0'], /--size is a number above 0/],
    [['--workload', 'fils'], /fils/],
    [['--backups', '3'], /--backups is a whole number from 4/],
    [['postgres'], /unexpected argument 'postgres'/],
  ] as const) {
    assert.throws(() => parseRequest(args), expected);
  }
  assert.equal(parseRequest(['--s3', '--workload', 'files']).kind, 'run', 'the control');
});

test('a command that fails is an error, and so is one whose first part fails', async () => {
  await assert.rejects(
    measure({ steps: [[['ls', '/does/not/exist']]] }, signal),
    /ended with 2: .*does\/not\/exist/,
  );
  await assert.rejects(measure({ steps: [[['false'], ['cat']]] }, signal), /ended with 1/);
  await assert.rejects(
    measure({ steps: [[['/no/such/program']]] }, signal),
    /no\/such\/program' does not start/,
  );
});

test('a comparison of trees finds each kind of difference', async (t) => {
  const folder = await temporaryFolder(t);
  const [want, got] = [join(folder, 'want'), join(folder, 'got')];
  await mkdir(join(want, 'deep'), { recursive: true });
  await writeFile(join(want, 'deep/a'), 'content');
  await writeFile(join(want, 'b'), '');
  const breaks: readonly [RegExp, (place: string) => Promise<unknown>][] = [
    [/list of names/, (place) => rm(join(place, 'b'))],
    [/list of names/, (place) => writeFile(join(place, 'more'), '')],
    [/size/, (place) => writeFile(join(place, 'b'), 'x')],
    [/time of change/, (place) => utimes(join(place, 'b'), 0, 0)],
    [/content/, (place) => sameTimes(join(want, 'deep/a'), join(place, 'deep/a'), 'c0ntent')],
  ];
  await cp(want, got, { recursive: true, preserveTimestamps: true });
  await compareTrees(want, got, signal);
  for (const [message, breakIt] of breaks) {
    await rm(got, { recursive: true });
    await cp(want, got, { recursive: true, preserveTimestamps: true });
    await breakIt(got);
    await assert.rejects(compareTrees(want, got, signal), message);
  }
});

async function sameTimes(from: string, path: string, content: string): Promise<void> {
  const { atime, mtime } = await import('node:fs/promises').then(({ stat }) => stat(from));
  await writeFile(path, content);
  await utimes(path, atime, mtime);
}

test('a comparison of SQLite databases finds one other value', async (t) => {
  const folder = await temporaryFolder(t);
  const workload = await sqliteWorkload({ folder, scale: 0.0005, seed: 3, signal });
  const { source } = workload;
  if (source.kind !== 'sqlite') throw new Error('not SQLite');
  const copy = join(folder, 'copy.db');
  await cp(source.path, copy);
  compareDatabases(source.path, copy);
  for (const [statement, table] of [
    ['update order_events set at = at || char(0) where id = 7', /order_events/],
    ['update orders set tax = null where id = (select min(id) from orders where tax is not null)', /orders/],
    [
      'insert into products select 999999, sku || 1, title, description, price, attributes from products limit 1',
      /products/,
    ],
    ['delete from documents where id = 3', /documents/],
  ] as const) {
    await cp(source.path, copy);
    const database = new DatabaseSync(copy);
    database.exec(statement);
    database.close();
    assert.throws(() => compareDatabases(source.path, copy), table);
  }
});

test('a seed gives the same files twice, and a round changes about one in a hundred', async (t) => {
  const folder = await temporaryFolder(t);
  const trees = await Promise.all(
    ['a', 'b'].map(async (name) => {
      await mkdir(join(folder, name));
      const workload = await filesWorkload(
        { folder: join(folder, name), scale: 0.01, seed: 5, signal },
        MIXED,
      );
      const before = await contents(join(folder, name));
      const changed = await workload.change('scattered', 1);
      return { before, changed, after: await contents(join(folder, name)) };
    }),
  );
  assert.deepEqual(trees[0], trees[1]);
  const { before, after, changed } = trees[0]!;
  assert.equal(changed, 2);
  assert.equal(before.filter((content, i) => content !== after[i]).length, changed);
});

test('a history has the same changes for whoever repeats it, and about as many bytes as asked for', async (t) => {
  const folder = await temporaryFolder(t);
  const shape = { totalBytes: 4 * MIB, backups: 5, seed: 3 };
  const versions: string[][] = [];
  for (const name of ['a', 'b']) {
    const data = historyData(join(folder, name), shape);
    data.create();
    for (let n = 2; n <= shape.backups; n += 1) data.change(n);
    versions.push(await contents(join(folder, name)));
  }
  assert.deepEqual(versions[0], versions[1]);
  const data = historyData(join(folder, 'c'), shape);
  data.create();
  const before = await contents(join(folder, 'c'));
  assert.ok(Math.abs(before.join('').length - 2 * MIB) < MIB / 10);
  data.change(2);
  const after = await contents(join(folder, 'c'));
  const changed = after.filter((content, i) => content !== before[i]);
  const wanted = (2 * MIB) / 4;
  const files = changed.reduce((sum, content) => sum + content.length, 0);
  assert.ok(files > wanted * 0.7 && files < wanted * 1.1, `${files}`);
});

test('a copied repository loses nothing of the first when it is emptied', async (t) => {
  const folder = await temporaryFolder(t);
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await mkdir(join(from, 'deep'), { recursive: true });
  await writeFile(join(from, 'deep/large'), Buffer.alloc(MIB, 'x'));
  await writeFile(join(from, 'small'), 'y');
  await utimes(join(from, 'small'), 5, 5);
  const before = await contents(from);
  copyRepository(from, to);
  await compareTrees(from, to, signal);
  await writeFile(join(to, 'small'), 'z');
  await rm(to, { recursive: true });
  assert.deepEqual(await contents(from), before);
});

async function contents(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.sort().map((path) => readFile(path, 'latin1')));
}

test('every pattern picks about one in a hundred, others in another round', () => {
  for (const pattern of PATTERNS) {
    const [one, other] = [pickChanged(pattern, 100_000, 1), pickChanged(pattern, 100_000, 2)];
    assert.ok(one.length > 850 && one.length < 1150, `${pattern}: ${one.length}`);
    assert.equal(new Set(one).size, one.length);
    assert.ok(one.every((n) => n >= 1 && n <= 100_000));
    assert.notDeepEqual(one.toSorted(), other.toSorted(), pattern);
  }
  const newest = pickChanged('skewed', 100_000, 1).filter((n) => n > 95_000).length;
  assert.ok(newest > 300, `${newest}`);
});

const sample = (tool: string, round: number, wallSeconds: number, addedBytes: number | null): Sample => ({
  step: 'first',
  tool,
  round,
  wallSeconds,
  cpuSeconds: wallSeconds,
  peakBytes: 1000,
  addedBytes,
});

test('ratios are taken within a round, and their median is not the ratio of the medians', () => {
  const rows = summarise({
    samples: [
      ...[2, 8, 20].map((seconds, i) => sample('holdfast', i + 1, seconds, 50)),
      ...[4, 8, 10].map((seconds, i) => sample('restic', i + 1, seconds, 100)),
      ...[1, 2].map((seconds, i) => sample('floor', i + 2, seconds, null)),
    ],
  });
  assert.deepEqual(
    rows.map(({ tool }) => tool),
    ['holdfast', 'floor', 'restic'],
  );
  assert.deepEqual(rows[2]!.ratios?.wallSeconds, { median: 1, lowest: 0.5, highest: 2 });
  assert.deepEqual(rows[2]!.ratios?.addedBytes, { median: 0.5, lowest: 0.5, highest: 0.5 });
  assert.deepEqual(rows[1]!.ratios?.wallSeconds, { median: 9, lowest: 8, highest: 10 });
  assert.equal(rows[1]!.ratios?.addedBytes, null);
  assert.equal(rows[0]!.ratios, null);
  assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, lowest: 1, highest: 4 });
});

test('publishing replaces what lies between the marks, and nothing else', () => {
  const text = `before\n${BEGIN}\nold\n${END}\nafter\n`;
  const once = between(text, 'new');
  assert.equal(once, `before\n${BEGIN}\n\nnew\n\n${END}\nafter\n`);
  assert.equal(between(once!, 'new'), once);
  assert.equal(between('no marks', 'new'), null);
});
