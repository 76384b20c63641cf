/** Reliability test 26 for bundles: hostile names, links and devices write nothing outside the target. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { extractBundle } from '../../src/engine/bundle/extract-bundle.ts';
import { inParts } from '../support/bundles.ts';
import { type RawEntry, treeTar, wrapTar } from '../support/hostile-tar.ts';
import { type Sandbox, sandbox } from '../support/sandbox.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HELLO = Buffer.from('hello');
let cases = 0;

async function outcome(box: Sandbox, entries: readonly RawEntry[]): Promise<string> {
  cases += 1;
  const bytes = wrapTar(treeTar(entries));
  const code = await extractBundle({
    source: inParts(bytes, 65_536),
    credentials: [],
    acceptsUnencrypted: true,
    folder: box.target,
  }).then(
    () => 'ok',
    (error: unknown) => (error instanceof HoldfastError ? error.code : `crashed: ${String(error)}`),
  );
  assert.deepEqual(box.escapes(), [], JSON.stringify(entries));
  if (code !== 'ok') assert.equal(box.appeared(), false, JSON.stringify(entries));
  return code;
}

async function expectAll(box: Sandbox, lists: readonly (readonly RawEntry[])[], codes: readonly string[]) {
  for (const entries of lists) {
    const code = await outcome(box, entries);
    assert.ok(codes.includes(code), `${JSON.stringify(entries)}: ${code}`);
    box.clear();
  }
}

const file = (name: string | Buffer): RawEntry => ({ name, content: HELLO });
const folder = (name: string): RawEntry => ({ name: `${name}/`, type: '5' });
const symlink = (name: string, link: string | Buffer): RawEntry => ({ name, type: '2', link });
const hardLink = (name: string, link: string): RawEntry => ({ name, type: '1', link });

const ESCAPES = [
  '../canary',
  '..',
  '.',
  '',
  '/',
  '//',
  't/..',
  't/.',
  't/../canary',
  't/../../canary',
  't/../../../other/canary',
  't/a/../../../canary',
  't/./a',
  't//a',
  '/t/a',
  '//t/a',
  '/etc/passwd',
  '/tmp/holdfast-escape',
  './t/a',
  't/a/',
  't/a/.',
  't/a/..',
  't/\0',
  't/a\0b',
  't/a\0/../../canary',
  '..\0/x',
  't/../t/a',
  't/..//a',
];
/** Harmless on this system, and to be kept exactly. */
const STRANGE = [
  'a\\..\\..\\canary',
  'C:\\windows',
  'C:',
  'con',
  'nul.txt',
  'a:b',
  '...',
  '....',
  '.. ',
  ' ..',
  '..a',
  'a..',
  '~',
  '~root',
  '$HOME',
  '$(touch x)',
  '`x`',
  '-rf',
  '--',
  '*',
  '?',
  'a\nb',
  'a\tb',
  '\x1b[2J',
  '\x7f',
  '%2e%2e',
  '%2e%2e%2fx',
  '\u2024\u2024',
  '\uff0e\uff0e',
  '\uff0fetc',
  '\u202etxt.exe',
  '\u00e9',
  'e\u0301',
  'K',
  '\u212a',
  '\ufeffa',
  'a\u200b',
  '\u{1f4a9}',
  '.git',
  '.htaccess',
];

for (const kind of ['file', 'folder', 'symlink', 'hard link'] as const) {
  test(`names that leave the target, as ${kind}`, async (t) => {
    const box = sandbox(await temporaryFolder(t));
    const lists = ESCAPES.filter((name) => !(kind === 'folder' && name === 't/a')).map((name) => {
      if (kind === 'file') return [file(name)];
      if (kind === 'folder') return [{ name: `${name}/`, type: '5' }];
      return kind === 'symlink' ? [symlink(name, 'x')] : [file('t/x'), hardLink(name, 't/x')];
    });
    await expectAll(box, lists, ['path_unsafe']);
  });
}

test('targets of hard links that leave the target, or go through links', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  const lists = ESCAPES.filter((name) => name !== 't/a/').map((name) => [hardLink('t/h', name)]);
  await expectAll(box, lists, ['path_unsafe']);
  await expectAll(
    box,
    [
      [symlink('t/s', '../../../canary'), hardLink('t/h', 't/s/x')],
      [symlink('t/s', `${box.base}/other`), hardLink('t/h', 't/s/canary')],
      [hardLink('t/h', 't/s/canary'), symlink('t/s', '../../../other')],
      [folder('t/d'), hardLink('t/h', 't/d')],
      [hardLink('t/h', 't/h')],
      [hardLink('t/h', 't/nothing')],
      [hardLink('t/h', 'canary')],
    ],
    ['path_unsafe', 'bundle_malformed'],
  );
});

test('nothing is written through a symlink, in whatever order the entries come', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  const outs = ['..', '../..', '../../..', '../../../other', box.base, `${box.base}/other`, '/', '/tmp'];
  const lists = outs.flatMap((out) => [
    [symlink('t/s', out), file('t/s/canary')],
    [symlink('t/s', out), folder('t/s/made')],
    [file('t/s/canary'), symlink('t/s', out)],
    [symlink('t/s', `${out}/canary`), file('t/s')],
    [symlink('t/s', out), folder('t/s')],
    [folder('t/s'), symlink('t/s', out)],
    [symlink('t/a', out), symlink('t/b', 'a'), file('t/b/canary')],
    [symlink('t/s', out), symlink('t/s/canary', 'x')],
    [symlink('t', out), file('t/canary')],
  ]);
  await expectAll(box, lists, ['path_unsafe']);
});

test('symlinks to anywhere are made, as they are, and only at the end', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  await expectAll(
    box,
    [
      [symlink('t/s', '/etc/passwd')],
      [symlink('t/s', '../../../canary'), { ...folder('t/d'), mode: 0o777 }],
      [symlink('t/s', 's')],
      [symlink('t/s', Buffer.from([0xff, 0xfe]))],
      [symlink('t/s', `${box.base}/canary`), hardLink('t/h', 't/s')],
    ],
    ['ok'],
  );
  await expectAll(box, [[symlink('t/s', '')], [symlink('t/s', 'a\0b')]], ['path_unsafe', 'bundle_malformed']);
});

test('strange but harmless names arrive exactly, twins stay two', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  for (const name of STRANGE) {
    assert.equal(await outcome(box, [file(`t/${name}`)]), 'ok', name);
    assert.equal(lstatSync(join(box.target, 't', name)).size, HELLO.length, name);
    box.clear();
  }
  await expectAll(box, [STRANGE.map((name) => file(`t/${name}`))], ['ok']);
  await expectAll(
    box,
    [
      [file('t/a'), file('t/a')],
      [file('t/a'), folder('t/a')],
      [folder('t/a'), file('t/a')],
      [file('t/a'), file('t/a/b')],
    ],
    ['path_unsafe'],
  );
  await expectAll(box, [[folder('t/a'), folder('t/a')]], ['ok']);
});

test('devices, special bits and names beyond the limits', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  await expectAll(box, [[{ name: 't/d', type: '3' }], [{ name: 't/d', type: '4' }]], ['path_unsafe']);
  assert.equal(
    await outcome(box, [
      { ...file('t/s'), mode: 0o7777 },
      { ...folder('t/d'), mode: 0o7777 },
    ]),
    'ok',
  );
  for (const name of ['t/s', 't/d']) assert.equal(lstatSync(join(box.target, name)).mode & 0o7777, 0o777);
  box.clear();
  const limits = [
    file(`t/${'a'.repeat(4094)}`),
    file(`t/${'a/'.repeat(513)}b`),
    file(`t${'/a'.repeat(10_000)}`),
  ];
  await expectAll(
    box,
    limits.map((entry) => [entry]),
    ['limit_exceeded'],
  );
  await expectAll(box, [[file(`t/${'a'.repeat(300)}`)]], ['target_failed']);
});

test('entries outside the artifacts of the manifest', async (t) => {
  const box = sandbox(await temporaryFolder(t));
  const names = ['other', 'manifest.json', 't.tree2', 'T', 't ', 'tt/a', 't.tree/a', 'manifest.sig/a'];
  await expectAll(
    box,
    names.map((name) => [file(name)]),
    ['bundle_malformed'],
  );
});

/** How an extractor without these checks would do it; it exists to show that the cases bite. */
function carelessExtract(folder_: string, entries: readonly RawEntry[]): void {
  for (const { name, type, link } of entries) {
    const place = join(folder_, name.toString().replaceAll('\0', ''));
    try {
      mkdirSync(type === '5' ? place : dirname(place), { recursive: true });
      if (type === '2') symlinkSync(link!, place);
      else if (type !== '5') writeFileSync(place, HELLO);
    } catch {}
  }
}

test('negative control: a careless extractor is caught by the same canaries', async (t) => {
  for (const entries of [
    [file('../../canary')],
    [symlink('s', '../..'), file('s/canary')],
    [file('../beside')],
  ]) {
    const box = sandbox(await temporaryFolder(t));
    carelessExtract(box.target, entries);
    assert.notDeepEqual(box.escapes(), [], JSON.stringify(entries));
  }
  assert.equal(existsSync('/tmp/holdfast-escape'), false);
  console.log(`# ${cases} hostile bundles, none escaped`);
  assert.ok(cases >= 200);
});
