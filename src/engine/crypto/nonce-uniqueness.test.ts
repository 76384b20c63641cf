import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { count } from '../../../test/support/counts.ts';
import { recordNonces, repeats } from '../../../test/support/nonce-recorder.ts';
import { sealEverything } from '../../../test/support/nonce-workload.ts';
import { packSealer } from './pack-cipher.ts';

const WORKLOAD = fileURLToPath(new URL('../../../test/support/nonce-workload.ts', import.meta.url));
const PROCESSES = 4;

test('no pair of key and nonce is used twice, across restarts and forks', async () => {
  const each = Math.ceil(count(20_000, 1_000_000) / (PROCESSES + 1));
  const recorder = recordNonces();
  try {
    await sealEverything(each);
  } finally {
    recorder.stop();
  }
  const run = promisify(execFile);
  let pairs = [...recorder.pairs];
  for (let started = 0; started < PROCESSES; started += 2) {
    const forks = [0, 1].map(() => run(process.execPath, [WORKLOAD, String(each)], { maxBuffer: 2 ** 28 }));
    for (const { stdout } of await Promise.all(forks)) pairs = pairs.concat(stdout.split('\n'));
  }
  assert.ok(pairs.length >= count(20_000, 1_000_000), `only ${pairs.length} sealings were seen`);
  assert.equal(repeats(pairs), 0);
});

test('negative control: a key taken twice, and a counter begun again, are noticed', () => {
  const recorder = recordNonces();
  try {
    const input = { key: Buffer.alloc(32), header: Buffer.alloc(92) };
    packSealer(input).sealBlock(Buffer.of(1));
    packSealer(input).sealBlock(Buffer.of(2));
    createCipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12), { authTagLength: 16 });
  } finally {
    recorder.stop();
  }
  assert.equal(recorder.pairs.length, 3);
  assert.equal(repeats(recorder.pairs), 1);
});
