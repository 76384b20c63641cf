import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeEntry } from '../port.ts';
import { type Placement, type Step, stepBuilder, stepsIn } from './restore-records.ts';

const ENTRY: TreeEntry = {
  path: Buffer.from('a/\xff\xfe.txt', 'latin1'),
  type: 'file',
  mode: 0o4755,
  uid: 4_000_000_000,
  gid: 7,
  user: '',
  group: '',
  modifiedAtNs: -1_234_567_890_123n,
  changedAtNs: 0n,
  inode: 0n,
  sizeBytes: 2 ** 40,
  linkTarget: null,
  hardLinkTo: null,
  deviceNumber: 0n,
  extents: [
    [4096, 5],
    [2 ** 39, 2 ** 33],
  ],
  content: null,
};

const placement = (given: Partial<TreeEntry>, more: Partial<Placement> = {}): Placement => ({
  entry: { ...ENTRY, ...given },
  path: '\xff\xfe.txt',
  linkTo: null,
  isLinkTarget: false,
  ...more,
});

test('steps come out as they went in, whatever is in them', () => {
  const plain = { extents: null, sizeBytes: 0 };
  const placements = [
    placement({}, { isLinkTarget: true }),
    placement({ ...plain, type: 'symlink', linkTarget: Buffer.from('../\xe9', 'latin1') }),
    placement(plain, { linkTo: 'b/\xff' }),
    placement({ ...plain, type: 'block', deviceNumber: 2n ** 63n + 5n }),
    placement({ ...plain, type: 'folder', path: Buffer.alloc(0) }, { path: '' }),
    placement({ ...plain, path: Buffer.alloc(200_000, 0x61) }, { path: 'a'.repeat(200_000) }),
  ];
  const builder = stepBuilder();
  const steps: Step[] = [];
  for (const one of placements) {
    builder.begin(one);
    builder.data(2 ** 20);
    builder.end();
    steps.push({ kind: 'begin', placement: one }, { kind: 'data', sizeBytes: 2 ** 20 }, { kind: 'end' });
  }
  const bytes = builder.take();
  assert.equal(builder.sizeBytes, 0);
  assert.deepEqual([...stepsIn(bytes)], steps);
});
