import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { webBuild } from './web-build.ts';

test('without a build there is neither page nor file', async (t) => {
  const build = webBuild(join(await temporaryFolder(t), 'nothing'));
  assert.equal(await build.page('n'), null);
  assert.equal(await build.asset('assets/main.js'), null);
});

test('a build that comes later is found; the page has the nonce of the request', async (t) => {
  const folder = await temporaryFolder(t);
  const build = webBuild(folder);
  assert.equal(await build.page('one'), null);
  await writeFile(join(folder, 'index.html'), '<meta content="__NONCE__"><style nonce="__NONCE__">');
  assert.equal(await build.page('one'), '<meta content="one"><style nonce="one">');
  assert.equal(await build.page('two'), '<meta content="two"><style nonce="two">');
});

test('only plain names of known types are given, packed when it pays', async (t) => {
  const folder = await temporaryFolder(t);
  const inside = join(folder, 'build');
  await mkdir(join(inside, 'assets'), { recursive: true });
  const script = 'let a = 1;\n'.repeat(500);
  await writeFile(join(inside, 'assets', 'main-1.js'), script);
  await writeFile(join(inside, 'icon.svg'), '<svg/>');
  await writeFile(join(inside, 'notes.txt'), 'of the build');
  await writeFile(join(folder, 'secret.js'), 'outside');
  const build = webBuild(inside);
  const found = (await build.asset('assets/main-1.js'))!;
  assert.equal(found.isFixed, true);
  assert.equal(brotliDecompressSync(found.packed!.br).toString(), script);
  assert.equal(gunzipSync(found.packed!.gzip).toString(), script);
  const icon = (await build.asset('icon.svg'))!;
  assert.deepEqual([icon.type, icon.packed, icon.isFixed], ['image/svg+xml', null, false]);
  const refused = [
    '../secret.js',
    'assets/../../secret.js',
    '/secret.js',
    '.',
    'assets',
    'notes.txt',
    'assets/.js',
  ];
  for (const path of refused) assert.equal(await build.asset(path), null, path);
});
