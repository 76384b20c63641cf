import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compareTrees, restoreTree } from '../../src/engine/sources/files/index.ts';
import { deepTemporaryFolder, makeDeep } from '../support/deep-folder.ts';
import { backUp, memoryStore, pathsOf } from '../support/memory-tree.ts';
import { seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const asRoot = process.geteuid?.() === 0;
const raw = (folder: string, name: string) =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);

/** Long enough for files just written to count as left alone. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 120));

function makeNames(folder: string): void {
  const names = [
    '\xff\xfe',
    'new\nline',
    ' leading',
    '-rf',
    '*',
    '"quotes\'',
    '\xe4\xf6',
    'a\\b',
    '\x01\x7f',
    'x'.repeat(255),
  ];
  for (const name of names) fs.writeFileSync(raw(folder, name), `content of ${name}`);
  fs.writeFileSync(join(folder, 'Grüße 🌱'), 'utf-8');
  // The slash sorts before every byte: these three tell the tree order from the order of whole paths.
  fs.mkdirSync(join(folder, 'a'));
  fs.writeFileSync(join(folder, 'a/z'), '1');
  fs.writeFileSync(join(folder, 'a!'), '2');
  fs.writeFileSync(join(folder, 'a.b'), '3');
}

function makeLinks(folder: string): void {
  fs.symlinkSync('nowhere/at/all', join(folder, 'broken'));
  fs.symlinkSync('/etc/passwd', join(folder, 'absolute'));
  fs.symlinkSync('loop-b', join(folder, 'loop-a'));
  fs.symlinkSync('loop-a', join(folder, 'loop-b'));
  fs.symlinkSync(Buffer.from('\xff\n', 'latin1'), join(folder, 'odd-target'));
  fs.symlinkSync('.', join(folder, 'to-folder'));
  fs.mkdirSync(join(folder, 'links'));
  fs.writeFileSync(join(folder, 'links/first'), 'shared');
  fs.linkSync(join(folder, 'links/first'), join(folder, 'zz-second'));
  fs.mkdirSync(join(folder, 'zz-links'));
  fs.linkSync(join(folder, 'links/first'), join(folder, 'zz-links/third'));
}

function makeSparse(
  path: string,
  pieces: readonly [offset: number, bytes: Buffer][],
  sizeBytes: number,
): void {
  const fd = fs.openSync(path, 'w');
  for (const [offset, bytes] of pieces) fs.writeSync(fd, bytes, 0, bytes.length, offset);
  fs.ftruncateSync(fd, sizeBytes);
  fs.closeSync(fd);
}

function makeContents(folder: string, bytes: (length: number) => Buffer): void {
  fs.writeFileSync(join(folder, 'empty'), '');
  fs.mkdirSync(join(folder, 'empty-folder'));
  fs.writeFileSync(join(folder, 'exactly-1m'), bytes(1 << 20));
  fs.writeFileSync(join(folder, 'over-1m'), bytes((1 << 20) + 1));
  fs.writeFileSync(join(folder, 'three-m'), bytes(3_000_000));
  fs.writeFileSync(join(folder, 'zeros'), Buffer.alloc(100_000));
  makeSparse(
    join(folder, 'sparse'),
    [
      [0, bytes(10)],
      [1 << 20, bytes(5000)],
      [20_000_001, bytes(3)],
    ],
    30_000_007,
  );
  // Large enough for the file system to be asked where its holes are.
  const large: [number, Buffer][] = [
    [0, bytes(1)],
    [50_000_000, bytes(70_000)],
    [99_999_999, bytes(1)],
  ];
  makeSparse(join(folder, 'sparse-large'), large, 100_000_000);
  makeSparse(join(folder, 'all-hole'), [], 5_000_001);
  makeSparse(join(folder, 'hole-first'), [[8_000_000, bytes(1000)]], 8_001_000);
}

function makeModes(folder: string): void {
  const files: [string, number][] = [
    ['mode-0000', 0o000],
    ['setuid', 0o4755],
    ['setgid', 0o2755],
    ['mode-0777', 0o777],
  ];
  for (const [name, mode] of files) {
    fs.writeFileSync(join(folder, name), name);
    if (asRoot) fs.chownSync(join(folder, name), 4321, 8765);
    fs.chmodSync(join(folder, name), mode);
  }
  fs.mkdirSync(join(folder, 'sticky'));
  fs.chmodSync(join(folder, 'sticky'), 0o1777);
  fs.mkdirSync(join(folder, 'read-only'));
  fs.writeFileSync(join(folder, 'read-only/inside'), 'x');
  fs.chmodSync(join(folder, 'read-only'), 0o555);
  fs.writeFileSync(join(folder, 'old'), '1969');
  fs.utimesSync(join(folder, 'old'), '-1000.5', '-1000.5');
  fs.writeFileSync(join(folder, 'precise'), 'ns');
  fs.utimesSync(join(folder, 'precise'), 1_600_000_000.123456, 1_600_000_000.123456);
  fs.utimesSync(join(folder, 'sticky'), 1_500_000_000.5, 1_500_000_000.5);
  execFileSync('mkfifo', ['-m', '640', join(folder, 'fifo')]);
}

function makeAwkward(t: TestContext): string {
  const folder = join(deepTemporaryFolder(t), 'source');
  fs.mkdirSync(folder);
  const random = seededRandom(t.name);
  makeNames(folder);
  makeLinks(folder);
  makeContents(folder, random.bytes);
  makeModes(folder);
  makeDeep(folder, 500);
  return folder;
}

test('an awkward tree comes back the same, and the second run opens nothing', async (t) => {
  const source = makeAwkward(t);
  await settle();
  const store = memoryStore();
  const first = await backUp(store, source);
  assert.deepEqual(
    first.facts.problems,
    asRoot ? [] : first.facts.problems.filter((p) => p.path === 'mode-0000'),
  );
  assert.ok(pathsOf(first).some((path) => path.length > 4096 && path.endsWith('/bottom.txt')));
  const ordered = pathsOf(first).filter((path) => /^a[!./]?/.test(path) && path.length < 5);
  assert.deepEqual(ordered, ['a', 'a/z', 'a!', 'a.b', 'a\\b']);
  assert.equal(first.facts.facts.hardLinks, 2);
  assert.equal(first.facts.facts.fifos, 1);

  const target = join(deepTemporaryFolder(t), 'target');
  const report = await restoreTree({ reader: store.reader, content: first.content, target, useThread: true });
  // An ordinary user cannot read a file of mode 0000, and special bits come back only together with their owner.
  const without = asRoot ? [] : ['mode-0000: missing', 'setgid: mode', 'setuid: mode'];
  assert.deepEqual(
    compareTrees(source, target).map(({ path, what }) => `${path}: ${what}`),
    without,
  );
  assert.deepEqual(report.skipped, []);
  assert.equal(report.hardLinks, 2);
  const links = fs.statSync(join(target, 'zz-second'));
  assert.equal(links.nlink, 3);
  assert.ok(fs.statSync(join(target, 'sparse')).blocks * 512 < 1_000_000, 'the holes are holes again');
  assert.equal(fs.statSync(join(target, 'all-hole')).blocks, 0);

  const second = await backUp(store, source, { previous: first });
  assert.equal(second.begun, 0);
  // What could not be read before is tried again.
  assert.equal(second.facts.facts.opened, first.facts.problems.length);
  assert.equal(second.content.sizeBytes, first.content.sizeBytes);
  assert.ok(store.contents.at(-1)!.equals(store.contents[first.content.refs.readUInt32LE()]!));
});

test('the comparison sees what it is there to see', async (t) => {
  const folder = await temporaryFolder(t);
  const make = (name: string) => {
    const root = join(folder, name);
    fs.mkdirSync(root);
    for (const file of ['content', 'mode', 'time', 'gone', 'size', 'one', 'kind']) {
      fs.writeFileSync(join(root, file), 'same');
      fs.utimesSync(join(root, file), 1000, 1000);
    }
    fs.linkSync(join(root, 'one'), join(root, 'two'));
    fs.symlinkSync('here', join(root, 'symlink'));
    fs.lutimesSync(join(root, 'symlink'), 1000, 1000);
    return root;
  };
  const a = make('a');
  const b = make('b');
  const refresh = (path: string) => fs.utimesSync(path, 1000, 1000);
  for (const root of [a, b]) refresh(root);
  assert.deepEqual(compareTrees(a, b), []);
  fs.writeFileSync(join(b, 'content'), 'sane');
  fs.writeFileSync(join(b, 'size'), 'same and more');
  fs.unlinkSync(join(b, 'two'));
  fs.writeFileSync(join(b, 'two'), 'same');
  fs.unlinkSync(join(b, 'gone'));
  fs.unlinkSync(join(b, 'symlink'));
  fs.symlinkSync('there', join(b, 'symlink'));
  fs.lutimesSync(join(b, 'symlink'), 1000, 1000);
  fs.unlinkSync(join(b, 'kind'));
  fs.mkdirSync(join(b, 'kind'));
  fs.writeFileSync(join(b, 'new'), '');
  for (const name of ['content', 'size', 'two', 'kind', '.']) refresh(join(b, name));
  fs.chmodSync(join(b, 'mode'), 0o600);
  fs.utimesSync(join(b, 'time'), 1001, 1001);
  const found = compareTrees(a, b).map(({ path, what }) => `${path} ${what}`);
  assert.deepEqual(
    found.sort(),
    [
      'content content',
      'gone missing',
      'kind type',
      'mode mode',
      'new extra',
      'size size',
      'symlink target',
      'time time',
      'two link',
    ].sort(),
  );
});

test('one file, one folder, and a hard link whose file is outside of what is restored', async (t) => {
  const source = makeAwkward(t);
  const store = memoryStore();
  const { content } = await backUp(store, source);
  const out = await temporaryFolder(t);
  const restore = (select: string | Buffer, target: string, more = {}) =>
    restoreTree({ reader: store.reader, content, target, select, ...more });

  await restore('a/z', join(out, 'renamed'));
  assert.equal(fs.readFileSync(join(out, 'renamed'), 'utf8'), '1');
  await assert.rejects(restore('a.b', join(out, 'renamed')), { code: 'target_not_empty' });
  assert.equal(fs.readFileSync(join(out, 'renamed'), 'utf8'), '1');
  await restore('a.b', join(out, 'renamed'), { replace: true });
  assert.equal(fs.readFileSync(join(out, 'renamed'), 'utf8'), '3');

  await restore(Buffer.from('\xff\xfe', 'latin1'), out);
  assert.ok(fs.existsSync(raw(out, '\xff\xfe')));
  await restore('read-only', join(out, 'folder'));
  assert.deepEqual(fs.readdirSync(join(out, 'folder')), ['inside']);
  assert.equal(fs.statSync(join(out, 'folder')).mode & 0o777, 0o555);
  await restore('zz-links', join(out, 'links'));
  assert.equal(fs.readFileSync(join(out, 'links/third'), 'utf8'), 'shared');
  await restore('zz-second', join(out, 'alone'));
  assert.equal(fs.readFileSync(join(out, 'alone'), 'utf8'), 'shared');
  await assert.rejects(restore('no-such', join(out, 'nothing')), { code: 'item_unknown' });
  await assert.rejects(restore('a!/z', join(out, 'nothing')), { code: 'item_unknown' });
  assert.ok(!fs.existsSync(join(out, 'nothing')));
});

test('a target that holds something is refused, and kept aside when replaced', async (t) => {
  const folder = await temporaryFolder(t);
  fs.mkdirSync(join(folder, 'source'));
  fs.writeFileSync(join(folder, 'source/new'), 'new');
  const store = memoryStore();
  const { content } = await backUp(store, join(folder, 'source'));
  const target = join(folder, 'target');
  fs.mkdirSync(target);
  await restoreTree({ reader: store.reader, content, target });
  assert.deepEqual(fs.readdirSync(target), ['new']);
  fs.writeFileSync(join(target, 'mine'), 'mine');
  await assert.rejects(restoreTree({ reader: store.reader, content, target }), { code: 'target_not_empty' });
  const { previousKeptAt } = await restoreTree({ reader: store.reader, content, target, replace: true });
  assert.deepEqual(fs.readdirSync(target), ['new']);
  assert.deepEqual(fs.readdirSync(previousKeptAt!).sort(), ['mine', 'new']);
  // A restore that fails half-way leaves the target as it was.
  store.contents[0] = Buffer.from('short');
  await assert.rejects(restoreTree({ reader: store.reader, content, target, replace: true }));
  assert.deepEqual(fs.readdirSync(target), ['new']);
  assert.equal(fs.readdirSync(folder).filter((name) => name.includes('restoring')).length, 0);
});

test('a target that is missing appears only when the tree is whole, even where folders are locked', async (t) => {
  const folder = await temporaryFolder(t);
  fs.mkdirSync(join(folder, 'source/a-locked'), { recursive: true });
  fs.writeFileSync(join(folder, 'source/a-locked/one'), 'one');
  fs.chmodSync(join(folder, 'source/a-locked'), 0o500);
  fs.writeFileSync(join(folder, 'source/b'), 'two');
  const store = memoryStore();
  const { content } = await backUp(store, join(folder, 'source'));
  const target = join(folder, 'target');
  const at = store.contents.findIndex((one) => one.toString() === 'two');
  store.contents[at] = Buffer.from('short');
  await assert.rejects(restoreTree({ reader: store.reader, content, target }));
  assert.deepEqual(fs.readdirSync(folder), ['source']);
  store.contents[at] = Buffer.from('two');
  await restoreTree({ reader: store.reader, content, target });
  fs.chmodSync(join(target, 'a-locked'), 0o700);
  assert.deepEqual(fs.readdirSync(target), ['a-locked', 'b']);
  assert.deepEqual(fs.readdirSync(folder).sort(), ['source', 'target']);
});
