/** Test 26, first half: hostile trees; 0 bytes outside the target. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { decodeTreeEntries, encodeTreeEntry } from '../../src/engine/repository/tree-codec.ts';
import { compareTrees, restoreTree } from '../../src/engine/sources/files/index.ts';
import type { TreeEntry } from '../../src/engine/sources/port.ts';
import {
  entry,
  file,
  folder,
  hard,
  link,
  lookAt,
  makeSandbox,
  NOTHING,
  readerOf,
  restoreCarelessly,
  root,
} from '../support/hostile-trees.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Case {
  readonly name: string;
  readonly entries: readonly TreeEntry[];
  /** Whether restoring must refuse, or go through without harm. */
  readonly refused: boolean;
}

const BAD_PATHS = [
  '..',
  '../x',
  '../outside/x',
  '../../x',
  'a/..',
  'a/../x',
  'a/../../outside/x',
  'a/b/../../../outside/x',
  '.',
  './x',
  'a/.',
  'a/./b',
  '/x',
  '/etc/x',
  '//x',
  'a//b',
  'a/',
  'a/b/',
  '/',
  '//',
  '../',
  './',
  '/..',
  '..//x',
  'a/..//x',
  '\0',
  'a\0',
  'a\0b',
  '../\0',
  'a/\0/b',
  '..\0/x',
  '.../../x',
  'a/.../../../x',
  '\xc0\xae\xc0\xae/../x',
  '\xff/../x',
  ' /../x',
  '../outside',
  '../outside/deep/x',
  'a/../..',
  '/proc/self/cwd/x',
  '/dev/x',
];

function badPathCases(): Case[] {
  return BAD_PATHS.flatMap((path) =>
    [file(path), folder(path), link(path, 'x'), entry(path, 'fifo'), hard('zz', path)].map((bad) => ({
      name: `${JSON.stringify(path)} as ${bad.hardLinkTo ? 'the file of a hard link' : bad.type}`,
      entries: [root, bad],
      refused: true,
    })),
  );
}

function structureCases(outside: string): Case[] {
  const refused: [string, TreeEntry[]][] = [
    ['a file through a symlink', [root, link('a', '../outside'), file('a/x')]],
    ['a file through an absolute symlink', [root, link('a', outside), file('a/x')]],
    ['a folder through a symlink', [root, link('a', outside), folder('a/x')]],
    ['a folder over a symlink', [root, link('a', outside), folder('a'), file('a/x')]],
    ['a file over a symlink', [root, link('a', `${outside}/secret`), file('a')]],
    ['a symlink over a folder', [root, folder('a'), link('a', outside), file('a/x')]],
    ['through a symlink deep down', [root, folder('a'), link('a/b', '../../outside'), file('a/b/x')]],
    ['through two symlinks', [root, link('a', 'b'), link('b', outside), file('b/x')]],
    ['through a symlink to here', [root, link('a', '.'), file('a/x')]],
    ['a file below a file', [root, file('a'), file('a/x')]],
    ['a file below a FIFO', [root, entry('a', 'fifo'), file('a/x')]],
    ['a file before its folder', [root, file('a/x'), folder('a')]],
    ['a file in a folder that was left', [root, folder('a'), file('b'), file('a/x')]],
    ['a folder that is missing', [root, file('a/b/c')]],
    ['the root again', [root, file('a'), root]],
    ['the root as a symlink, then a file', [link('', outside), file('x')]],
    ['no root', [file('a'), file('b')]],
    ['no root, a folder', [link('a', outside), file('a/b')]],
    ['a hard link to outside by symlink', [root, link('a', outside), hard('b', 'a/secret')]],
    ['a hard link to a symlink', [root, link('a', `${outside}/secret`), hard('b', 'a')]],
    ['a hard link to a folder', [root, folder('a'), hard('b', 'a')]],
    ['a hard link to nothing', [root, hard('b', 'a')]],
    ['a hard link to itself', [root, hard('b', 'b')]],
    ['a hard link to an absolute path', [root, hard('b', `${outside}/secret`)]],
    ['a symlink without target', [root, link('a', '')]],
    ['a symlink with NUL', [root, link('a', `${outside}\0`)]],
    ['twice the same file', [root, file('a'), file('a')]],
  ];
  const harmless: [string, TreeEntry[]][] = [
    [
      'symlinks to outside, never followed',
      [root, link('a', outside), link('b', `${outside}/secret`), file('c')],
    ],
    ['twins in Unicode', [root, file('e\xcc\x81'), file('\xc3\xa9')]],
    ['names in two cases', [root, file('A'), file('a')]],
    [
      'a device without leave',
      [
        root,
        entry('null', 'character', { deviceNumber: 259n }),
        entry('sda', 'block', { deviceNumber: 2048n }),
      ],
    ],
    ['a socket', [root, entry('s', 'socket')]],
    ['setuid without owner', [root, file('su', { mode: 0o6777, uid: 0 })]],
    ['names like temporary ones', [root, file('.holdfast-0-1'), file('.holdfast-probe')]],
    [
      'names like shell',
      [root, file('$(touch x)'), file('-rf'), file(';reboot'), file('`id`'), file('\x1b[2J')],
    ],
    ['backslashes and drives', [root, file('..\\x'), file('C:\\x'), file('C:'), file('\\\\host\\share')]],
    [
      'percent and overlong dots',
      [root, file('%2e%2e%2fx'), file('\xc0\xae\xc0\xae'), file('...'), file('..x'), file('x..')],
    ],
  ];
  return [
    ...refused.map(([name, entries]) => ({ name, entries, refused: true })),
    ...harmless.map(([name, entries]) => ({ name, entries, refused: false })),
  ];
}

function sizeCases(): Case[] {
  const wrong = (name: string, more: Partial<TreeEntry>): Case => ({
    name,
    entries: [root, file('a', more)],
    refused: true,
  });
  return [
    wrong('more data than said', { sizeBytes: 4 }),
    wrong('less data than said', { sizeBytes: 6 }),
    wrong('data for no extent', { sizeBytes: 6, extents: [] }),
    wrong('an extent short of data', { sizeBytes: 100, extents: [[0, 50]] }),
    wrong('a size no file has', { sizeBytes: 2 ** 63, extents: [[0, 5]] }),
  ];
}

test('hostile trees: nothing outside is touched', async (t) => {
  const { base, outside } = await makeSandbox(t);
  const cases = [...badPathCases(), ...structureCases(outside), ...sizeCases()];
  assert.ok(cases.length >= 200, `${cases.length} cases`);
  const before = lookAt(outside);
  for (const [i, { name, entries, refused }] of cases.entries()) {
    const target = join(base, 'targets', String(i), 'target');
    fs.mkdirSync(dirname(target), { recursive: true });
    // Starting a thread takes longer than all the rest, so it has its turn now and then.
    const useThread = i % 12 === 0;
    const reader = readerOf(entries);
    const run = restoreTree({ reader, content: NOTHING, target, owners: 'skip', useThread });
    const outcome = await run.then(
      () => 'restored',
      (error: unknown) => codeOf(error) ?? String(error),
    );
    if (refused)
      assert.ok(
        ['path_unsafe', 'restore_mismatch', 'target_failed', 'target_not_empty'].includes(outcome),
        `${name}: ${outcome}`,
      );
    else assert.equal(outcome, 'restored', name);
    assert.deepEqual(lookAt(outside), before, name);
    assert.deepEqual(
      fs.readdirSync(dirname(target)).filter((other) => other !== 'target'),
      [],
      name,
    );
  }
  const ids = cases.findIndex(({ name }) => name === 'setuid without owner');
  assert.equal(fs.statSync(join(base, 'targets', String(ids), 'target/su')).mode & 0o7777, 0o777);
  const devices = cases.findIndex(({ name }) => name === 'a device without leave');
  assert.deepEqual(fs.readdirSync(join(base, 'targets', String(devices), 'target')), []);
});

test('hostile trees: a careless program would have been caught', async (t) => {
  const { base, outside } = await makeSandbox(t);
  const cases = [...badPathCases(), ...structureCases(outside)];
  let caught = 0;
  for (const [i, { entries }] of cases.entries()) {
    const before = JSON.stringify(lookAt(outside), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    const target = join(base, `t${i}`);
    fs.mkdirSync(target);
    // Absolute and dotted paths that leave the sandbox are not for a test to carry out.
    if (entries.some(({ path }) => /^\/|proc|^(\.\.\/){2}|(\/\.\.){3}/.test(path.toString('latin1'))))
      continue;
    restoreCarelessly(target, entries);
    const after = JSON.stringify(lookAt(outside), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    if (after !== before) caught += 1;
  }
  assert.ok(caught >= 8, `only ${caught} of the cases did harm`);
});

test('hostile records do not decode', async () => {
  const cases = [...badPathCases(), ...structureCases('/outside')].filter(({ entries }) => {
    // What only the whole tree can tell is the restore's to refuse.
    return entries.some(({ path, hardLinkTo }) =>
      [path, hardLinkTo ?? Buffer.alloc(0)].some((p) => BAD_PATHS.includes(p.toString('latin1'))),
    );
  });
  assert.equal(cases.length, BAD_PATHS.length * 5);
  for (const { name, entries } of cases) {
    const bytes = Buffer.concat(entries.map((one) => Buffer.from(encodeTreeEntry(one))));
    const decode = async () => {
      for await (const _ of decodeTreeEntries(
        (async function* () {
          yield bytes;
        })(),
      ));
    };
    await assert.rejects(decode, { code: 'object_damaged' }, name);
  }
});

test('limits stop a tree before anything is written', async (t) => {
  const base = await temporaryFolder(t);
  const target = join(base, 'target');
  const many = [root, ...Array.from({ length: 50 }, (_, i) => file(`f${String(i).padStart(2, '0')}`))];
  const restore = (entries: readonly TreeEntry[], limits: object) =>
    restoreTree({ reader: readerOf(entries), content: NOTHING, target, limits });
  await assert.rejects(restore(many, { entries: 50 }), { code: 'limit_exceeded' });
  await assert.rejects(restore(many, { bytes: 249 }), { code: 'limit_exceeded' });
  const deep = Array.from({ length: 12 }, (_, i) => folder(Array.from({ length: i }, () => 'd').join('/')));
  await assert.rejects(restore(deep, { depth: 11 }), { code: 'limit_exceeded' });
  assert.ok(!fs.existsSync(target));
  await restore(many, { entries: 51, bytes: 250 });
  assert.equal(fs.readdirSync(target).length, 50);
  const other = join(base, 'other');
  await restoreTree({ reader: readerOf(deep), content: NOTHING, target: other, limits: { depth: 12 } });
  assert.equal(compareTrees(other, target).length > 0, true);
});
