import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerifyPayload } from '../../contracts/cli-payloads.ts';
import { renderVerify } from '../render-verify.ts';
import { parseShare } from './verify.ts';

const REPORT: VerifyPayload = {
  ok: false,
  scope: 'all',
  seed: null,
  durationMs: 1234,
  checked: {
    objects: 12,
    packs: 3,
    packBytes: 50_000_000,
    chunks: 900,
    backups: 2,
    artifacts: 4,
    hashedBytes: 1,
  },
  replaced: [],
  damaged: [{ name: 'packs/ab/abcd', code: 'object_damaged', why: 'its hash differs from its name' }],
  affected: [
    {
      id: '0193a000',
      name: 'backups/global/x',
      plan: 'nightly',
      startedAt: '2026-11-21T03:00:00.000Z',
      artifacts: [
        { artifact: 'app.sqlite', why: 'a chunk is missing', paths: [], morePaths: 0 },
        {
          artifact: 'uploads',
          why: 'files are hit',
          paths: Array.from({ length: 12 }, (_, i) => `a\n${i}`),
          morePaths: 5,
        },
      ],
    },
    {
      id: '0193b000',
      name: 'backups/global/y',
      plan: null,
      startedAt: '2026-11-20T03:00:00.000Z',
      artifacts: [],
    },
  ],
  rejected: [{ name: 'backups/global/z', code: 'manifest_forged', why: 'signed by nobody known' }],
  unlistedPacks: 1,
};

test('damage is named: objects, backups, artifacts, files', () => {
  const files = Array.from({ length: 10 }, (_, i) => `      a\\x0a${i}\n`).join('');
  assert.equal(
    renderVerify(REPORT),
    `not good: 2 objects (looked at 12 objects, 3 packs (48 MiB), 2 backups, in 1.2 s)
  packs/ab/abcd: its hash differs from its name
  backups/global/z: signed by nobody known
backups that cannot be restored completely:
  0193a000 of 2026-11-21 03:00
    app.sqlite: a chunk is missing
    uploads: files are hit
${files}      and 7 more files
  0193b000 of 2026-11-20 03:00: all of it
1 pack in no index: reading is slower until the next holdfast prune
next: back up again, what is missing is stored anew; see docs/operations.md, damage
`,
  );
});

test('a share is a percentage', () => {
  assert.deepEqual(['10%', '10', '0.5 %', '100'].map(parseShare), [0.1, 0.1, 0.005, 1]);
  for (const text of ['0', '101', '-5', 'x', '', '1/2', '1e1']) assert.throws(() => parseShare(text), text);
});

test('what is good is said no larger than what was looked at', () => {
  const good = { ...REPORT, ok: true, damaged: [], affected: [] };
  const first = (scope: VerifyPayload['scope']) =>
    /^good: (.*?) \(/.exec(renderVerify({ ...good, scope }))?.[1];
  assert.equal(first('all'), 'every stored byte');
  assert.equal(first('backup'), 'every byte of this backup');
  assert.equal(first('share'), 'every byte of the share looked at, and no backup misses a chunk');
});
