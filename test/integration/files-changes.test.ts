import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { artifactNames, filesSource } from '../../src/engine/sources/files/index.ts';
import type { TreeEntry } from '../../src/engine/sources/port.ts';
import {
  type BackedUp,
  backUp,
  type MemoryStore,
  type MemoryTree,
  memoryStore,
  pathsOf,
} from '../support/memory-tree.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Long enough for files just written to count as left alone. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 120));

const contentOf = (store: MemoryStore, entry: TreeEntry | undefined) =>
  entry?.content ? store.contents[entry.content.refs.readUInt32LE()]!.toString() : null;

async function makeFiles(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(join(folder, path, '..'), { recursive: true });
    fs.writeFileSync(join(folder, path), text);
  }
  return folder;
}

test('only what changed is read again', async (t) => {
  const folder = await makeFiles(t, {
    same: '1',
    'sub/modified': '2',
    'sub/renamed': '3',
    deleted: '4',
    touched: '5',
    'zz/last': '6',
  });
  await settle();
  const store = memoryStore();
  const first = await backUp(store, folder);
  assert.equal(first.begun, 6);
  fs.writeFileSync(join(folder, 'sub/modified'), 'two');
  fs.renameSync(join(folder, 'sub/renamed'), join(folder, 'sub/new-name'));
  fs.unlinkSync(join(folder, 'deleted'));
  fs.writeFileSync(join(folder, 'added'), '7');
  // The content changes and the time is put back: the change time betrays it.
  const { mtime } = fs.statSync(join(folder, 'touched'));
  fs.writeFileSync(join(folder, 'touched'), 'X');
  fs.utimesSync(join(folder, 'touched'), mtime, mtime);
  await settle();
  const second = await backUp(store, folder, { previous: first });
  assert.deepEqual(pathsOf(second), [
    '',
    'added',
    'same',
    'sub',
    'sub/modified',
    'sub/new-name',
    'touched',
    'zz',
    'zz/last',
  ]);
  assert.equal(second.begun, 4);
  assert.equal(second.facts.facts.unchanged, 2);
  const texts = second.entries.map((entry) => contentOf(store, entry));
  assert.deepEqual(texts, [null, '7', '1', null, 'two', '3', 'X', null, '6']);
  const third = await backUp(store, folder, { previous: second });
  assert.equal(third.begun, 0);
});

test('a content that is no longer in the repository is read again', async (t) => {
  const folder = await makeFiles(t, { file: 'text' });
  await settle();
  const store = memoryStore();
  const first = await backUp(store, folder);
  const content = await firstContent(store, first.content);
  delete store.contents[content.refs.readUInt32LE()];
  const second = await backUp(store, folder, { previous: first });
  assert.equal(second.begun, 1);
});

async function firstContent(store: MemoryStore, tree: Parameters<MemoryStore['reader']['entries']>[0]) {
  for await (const { content } of store.reader.entries(tree)) if (content) return content;
  throw new Error('the tree holds no content');
}

test('a file written again at once, to the same size, is read again', async (t) => {
  const folder = await makeFiles(t, { file: 'one' });
  const store = memoryStore();
  let before = await backUp(store, folder);
  for (let i = 0; i < 5; i += 1) {
    fs.writeFileSync(join(folder, 'file'), `t${i % 10}o`);
    const after = await backUp(store, folder, { previous: before });
    assert.equal(await storedText(store, after), `t${i % 10}o`);
    before = after;
  }
});

async function storedText(store: MemoryStore, tree: MemoryTree): Promise<string> {
  const content = await firstContent(store, tree.content);
  return store.contents[content.refs.readUInt32LE()]!.toString();
}

test('excludes follow .gitignore', async (t) => {
  const folder = await makeFiles(t, {
    'a.log': '',
    'keep.log': '',
    'sub/b.log': '',
    'cache/x/y': '',
    'sub/cache': '',
    'top.txt': '',
    'sub/top.txt': '',
    list: 'temp-*\n# no\n',
    'temp-1': '',
  });
  const excludes = ['*.log', '!keep.log', 'cache/', '/top.txt'];
  const tree = await backUp(memoryStore(), folder, { excludes, excludeFile: join(folder, 'list') });
  assert.deepEqual(pathsOf(tree), ['', 'keep.log', 'list', 'sub', 'sub/cache', 'sub/top.txt']);
  assert.equal(tree.facts.facts.excluded, 5);
  await assert.rejects(backUp(memoryStore(), folder, { excludeFile: join(folder, 'none') }), {
    code: 'source_missing',
  });
});

test('a single file is a tree of one entry, under the name it was given by', async (t) => {
  const folder = await makeFiles(t, { 'real-name': 'key' });
  fs.symlinkSync('real-name', join(folder, 'given-name'));
  const store = memoryStore();
  await settle();
  const tree = await backUp(store, join(folder, 'given-name'));
  assert.deepEqual(pathsOf(tree), ['given-name']);
  assert.equal(await storedText(store, tree), 'key');
  const second = await backUp(store, join(folder, 'given-name'), { previous: tree });
  assert.equal(second.begun, 0);
});

test('a missing optional root is stated, any other missing root is an error', async (t) => {
  const folder = await temporaryFolder(t);
  const tree = await backUp(memoryStore(), join(folder, 'jwt_secret'), { optional: true });
  assert.equal(tree.facts.facts.missing, true);
  assert.deepEqual(tree.entries, []);
  assert.deepEqual(tree.facts.problems, []);
  await assert.rejects(backUp(memoryStore(), join(folder, 'jwt_secret')), {
    code: 'source_missing',
    message: /jwt_secret/,
  });
});

test('artifacts are named after their roots, each differently', () => {
  assert.deepEqual(artifactNames(['/a/data', '/b/data/', '/', 'data']), ['data', 'data-2', 'root', 'data-3']);
});

/** Rewrites a file a few hundred times a second: every state is one byte repeated, so a mixture is a torn read. */
const WRITER = `
const fs = require('node:fs');
// A write suspended half-way cannot be seen: keep the scheduler from doing that.
try { require('node:os').setPriority(-15); } catch {}
const fd = fs.openSync(process.argv[1], 'r+');
const bytes = Buffer.alloc(Number(process.argv[2]));
const rest = new Int32Array(new SharedArrayBuffer(4));
for (let i = 1; ; i += 1) { bytes.fill(i & 255); fs.writeSync(fd, bytes, 0, bytes.length, 0); if (i === 3) process.stdout.write('go'); Atomics.wait(rest, 0, 0, 1); }
`;

async function keepWriting(t: TestContext, path: string, sizeBytes: number): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['-e', WRITER, path, String(sizeBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
}

for (const sizeBytes of [60_000, 5_000_000]) {
  test(`a file of ${sizeBytes} bytes that never holds still is never stored torn`, async (t) => {
    const folder = await makeFiles(t, { before: '1', after: '2' });
    const path = join(folder, 'busy');
    fs.writeFileSync(path, Buffer.alloc(sizeBytes, 'A'));
    await settle();
    const store = memoryStore();
    const calm = await backUp(store, folder);
    const stop = await keepWriting(t, path, sizeBytes);
    const alone = await untilChanging(store, () => backUp(store, folder), sizeBytes);
    const merged = await untilChanging(store, () => backUp(store, folder, { previous: calm }), sizeBytes);
    await stop();
    assert.deepEqual(
      alone.facts.problems.map(({ path: name, cause }) => [name, cause]),
      [['busy', 'changing']],
    );
    assert.deepEqual(pathsOf(alone), ['', 'after', 'before']);
    assert.match(merged.facts.problems[0]!.message, /previous version was kept/);
    assert.equal(merged.facts.facts.keptPrevious, 1);
    assert.deepEqual(pathsOf(merged), ['', 'after', 'before', 'busy']);
    const kept = merged.entries[3]!;
    assert.equal(store.contents[kept.content!.refs.readUInt32LE()]![0], 65);
    assert.equal(kept.modifiedAtNs, calm.entries[3]!.modifiedAtNs);
  });
}

/** On a busy machine the writer may rest long enough for the file to be read, whole. It never does so for long. */
async function untilChanging(
  store: MemoryStore,
  run: () => Promise<BackedUp>,
  sizeBytes: number,
): Promise<BackedUp> {
  for (let i = 0; ; i += 1) {
    const tree = await run();
    for (const { content } of await all(store.reader.entries(tree.content))) {
      if (content?.sizeBytes !== sizeBytes) continue;
      const bytes = store.contents[content.refs.readUInt32LE()]!;
      assert.ok(
        bytes.every((byte) => byte === bytes[0]),
        'a stored file mixes two states',
      );
    }
    if (tree.facts.problems.length > 0 || i === 200) return tree;
  }
}

async function all(entries: AsyncIterable<TreeEntry>): Promise<TreeEntry[]> {
  const list: TreeEntry[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
}

test('the check for torn reads would see one', async (t) => {
  // The negative control: the same writer, read without looking at the file's status.
  const path = join(await temporaryFolder(t), 'busy');
  fs.writeFileSync(path, Buffer.alloc(5_000_000, 'A'));
  const stop = await keepWriting(t, path, 5_000_000);
  let torn = 0;
  for (let i = 0; i < 5000 && torn === 0; i += 1) {
    const bytes = fs.readFileSync(path);
    if (bytes.some((byte) => byte !== bytes[0])) torn += 1;
  }
  await stop();
  assert.ok(torn > 0);
});

test('files that come and go during the walk are counted, and the walk goes on', async (t) => {
  const folder = await temporaryFolder(t);
  for (let i = 0; i < 3000; i += 1)
    fs.writeFileSync(join(folder, `file-${String(i).padStart(4, '0')}`), 'x'.repeat(500));
  const store = memoryStore();
  const warnings: string[] = [];
  const session = await filesSource({ name: 'test', roots: [folder] }).open({
    progress: { ...silentProgress, warn: (message) => warnings.push(message) },
    signal: new AbortController().signal,
    scratchFolder: '/nonexistent',
  });
  const sink = store.sink();
  let removed = 0;
  const slow = {
    ...sink,
    commit(entry: TreeEntry) {
      // From the far end, so that they were listed but not yet read.
      while (removed < 1500) fs.unlinkSync(join(folder, `file-${2999 - removed++}`));
      return sink.commit(entry);
    },
  };
  const artifact = session.artifacts[0]!;
  assert.equal(artifact.form, 'tree');
  const { facts, problems } = await (artifact as Extract<typeof artifact, { form: 'tree' }>).produce(
    slow,
    null,
  );
  await session.close();
  assert.deepEqual(problems, []);
  assert.equal(Number(facts.files) + Number(facts.vanished), 3000);
  assert.ok(Number(facts.files) >= 1500);
});

/** Runs a backup as a user without rights and gives back what it had to say. */
function backUpAsNobody(folder: string): { problems: { path: string; cause: string }[]; paths: string[] } {
  const script = `
    import { backUp, memoryStore, pathsOf } from ${JSON.stringify(new URL('../support/memory-tree.ts', import.meta.url).href)};
    process.setgid(65534); process.setuid(65534);
    const tree = await backUp(memoryStore(), process.argv[1]);
    console.log(JSON.stringify({ problems: tree.facts.problems, paths: pathsOf(tree) }));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script, '--', folder], { encoding: 'utf8' }),
  );
}

test('what may not be read is named, and the rest is stored', async (t) => {
  const folder = await makeFiles(t, { readable: '1', secret: '2', 'closed/inside': '3', 'zz-last': '4' });
  fs.chmodSync(folder, 0o755);
  fs.chmodSync(join(folder, 'secret'), 0);
  fs.chmodSync(join(folder, 'closed'), 0);
  const run = process.geteuid?.() === 0 ? backUpAsNobody(folder) : await asMyself(folder);
  fs.chmodSync(join(folder, 'closed'), 0o700);
  assert.deepEqual(run.paths, ['', 'closed', 'readable', 'zz-last']);
  const causes = run.problems.map(({ path, cause }) => `${path} ${cause}`).sort();
  assert.deepEqual(causes, ['closed denied', 'secret denied']);
});

async function asMyself(folder: string) {
  const tree = await backUp(memoryStore(), folder);
  return { problems: [...tree.facts.problems], paths: pathsOf(tree) };
}

test('an interrupted run ends as interrupted and leaves no threads', async (t) => {
  const folder = await makeFiles(
    t,
    Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, 'x'])),
  );
  const controller = new AbortController();
  const run = backUp(memoryStore(), folder, { signal: controller.signal });
  controller.abort();
  await assert.rejects(run, { code: 'interrupted' });
});
