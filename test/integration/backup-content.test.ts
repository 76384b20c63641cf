/** Folders by pages, single files and differences, from a repository and from bundles: links, holes, names that are no text. */
import assert from 'node:assert/strict';
import { chmod, link, lstat, mkdir, open, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Engine, generateKeyText, openEngine, silentProgress } from '../../src/engine/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOLE = 8 * 1024 * 1024;

interface Place {
  readonly folder: string;
  readonly engine: Engine;
  readonly backUp: () => Promise<string>;
}

async function place(t: TestContext, layout: 'repository' | 'bundles'): Promise<Place> {
  const folder = await temporaryFolder(t);
  const engine = await openEngine({
    ...{ address: join(folder, 'to'), layout, keyTexts: [generateKeyText()], create: 'if-missing' },
    ...{ stateFolder: join(folder, 'state'), signingKeyFile: join(folder, 'state', 'signing-key.pem') },
    ...{ minimumFreeBytes: 0, progress: silentProgress, signal: new AbortController().signal },
  });
  t.after(() => engine.close());
  const paths = [join(folder, 'tree')];
  await mkdir(paths[0]!);
  const source = { kind: 'files' as const, name: 'tree', paths, exclude: [], optional: false };
  const request = { sources: [source], plan: null, tenantId: null, type: 'full' as const };
  return { folder, engine, backUp: async () => (await engine.backup(request)).backupId };
}

type Page = (
  path: string,
  more?: { search?: string; after?: string; limit?: number },
) => ReturnType<Engine['treePage']>;
type Take = (path: string) => Promise<{ readonly name: string; readonly bytes: Buffer }>;

async function pagesOf(page: Page, names: readonly string[]): Promise<void> {
  const two = await page('', { limit: 3 });
  assert.equal(two.next, 'o\\xff\\x5c');
  const rest = await page('', { after: two.next!, limit: 4 });
  assert.deepEqual([rest.entries.map(({ name }) => name), rest.next], [names.slice(3), null]);
  const found = await page('a', { search: 'X' });
  assert.deepEqual(
    found.entries.map(({ path }) => path),
    ['a/b/x'],
  );
  for (const path of ['absent', 'script', '..', 'a/..']) {
    await assert.rejects(page(path), { code: 'item_unknown' }, path);
  }
}

async function oddFiles(take: Take, file: string): Promise<void> {
  const linked = await take('z-link');
  assert.deepEqual([linked.name, linked.bytes.toString()], ['z-link', 'content']);
  assert.equal((await take('o\\xff\\x5c')).bytes.toString(), 'odd');
  assert.equal((await take('empty')).bytes.length, 0);
  const { bytes } = await take('sparse');
  assert.equal(bytes.length, 2 * HOLE);
  assert.equal(bytes.subarray(HOLE, HOLE + 6).toString(), 'middle');
  assert.equal(bytes.indexOf('middle'), HOLE);
  assert.ok(
    bytes.subarray(0, HOLE).every((byte) => byte === 0),
    'a hole is nothing',
  );
  const { mode, blocks } = await lstat(file);
  assert.deepEqual([mode & 0o777, blocks * 512 < HOLE], [0o600, true], 'private, and a hole on the disk');
  for (const path of ['sym', 'a', '../tree/script', '', 'absent']) {
    await assert.rejects(take(path), { code: 'item_unknown' }, path);
    await assert.rejects(lstat(file), { code: 'ENOENT' });
  }
}

for (const layout of ['repository', 'bundles'] as const) {
  test(`what a backup holds is listed, taken out and compared: ${layout}`, async (t) => {
    const { folder, engine, backUp } = await place(t, layout);
    const at = (...names: string[]) => join(folder, 'tree', ...names);
    await mkdir(at('a', 'b'), { recursive: true });
    await writeFile(at('a', 'b', 'x'), 'content');
    await link(at('a', 'b', 'x'), at('z-link'));
    await symlink('/etc/hostname', at('sym'));
    const odd = Buffer.concat([Buffer.from(`${at()}/`), Buffer.from([0x6f, 0xff, 0x5c])]);
    await writeFile(odd, 'odd');
    const sparse = await open(at('sparse'), 'w');
    await sparse.write(Buffer.from('middle'), 0, 6, HOLE);
    await sparse.truncate(2 * HOLE);
    await sparse.close();
    await writeFile(at('empty'), '');
    await writeFile(at('script'), 'same');
    const first = await backUp();

    const page: Page = async (path, more = {}) =>
      engine.treePage({
        ...{ backupId: first, artifact: 'tree', path, limit: more.limit ?? 100 },
        ...{ search: more.search ?? null, after: more.after ?? null },
      });
    const names = (await page('')).entries.map(({ name }) => name);
    assert.deepEqual(names, ['a', 'empty', 'o\\xff\\x5c', 'script', 'sparse', 'sym', 'z-link']);
    if (layout === 'repository') await pagesOf(page, names);

    const file = join(folder, 'out');
    const take: Take = async (path) => {
      await rm(file, { force: true });
      const taken = await engine.extractFile({ backupId: first, artifact: 'tree', path, file });
      return { ...taken, bytes: await readFile(file) };
    };
    assert.equal((await take('a/b/x')).bytes.toString(), 'content');
    if (layout === 'repository') await oddFiles(take, file);

    await chmod(at('script'), 0o755);
    await rm(at('empty'));
    await rename(at('a', 'b', 'x'), at('a', 'b', 'y'));
    await writeFile(at('new'), 'new');
    const second = await backUp();
    const compared = (after: string | null, limit: number) =>
      engine.compareBackups({ backupId: second, withId: first, artifact: 'tree', after, limit });
    const all = await compared(null, 100);
    assert.deepEqual(
      all.paths.map(({ path, change }) => [path, change]),
      [
        ['a/b/x', 'removed'],
        ['a/b/y', 'added'],
        ['empty', 'removed'],
        ['new', 'added'],
        ['script', 'attributes'],
        ['z-link', 'changed'],
      ],
    );
    const paged = await compared('empty', 2);
    assert.deepEqual([paged.paths.map(({ path }) => path), paged.next], [['new', 'script'], 'script']);
    assert.deepEqual(paged.counts, all.counts);
    assert.equal(all.counts.unchanged, 6);
    await engine.archive(first);
    const listed = await engine.list({ plan: null, tenantId: null, archived: true });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [first],
    );
  });
}
