import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { dataRegions, parseRegions } from './data-regions.ts';

test('regions cover every byte that was written, or the question stays open', async (t) => {
  const fd = openSync(join(await temporaryFolder(t), 'sparse'), 'w+');
  t.after(() => closeSync(fd));
  ftruncateSync(fd, 2 ** 40);
  const written = [0, 12_345_678, 2 ** 35, 2 ** 40 - 1];
  for (const at of written) writeSync(fd, Buffer.from('x'), 0, 1, at);
  const regions = await dataRegions(fd, 2 ** 40);
  // Null where the system has no perl or the file system does not tell: then the file is read through.
  if (regions === null) return;
  for (const at of written)
    assert.ok(
      regions.some(([begin, end]) => begin <= at && at < end),
      `${at}`,
    );
});

test('an answer that makes no sense counts as none', () => {
  assert.deepEqual(parseRegions('0 4096\n8192 9000\n', 8500), [
    [0, 4096],
    [8192, 8500],
  ]);
  assert.deepEqual(parseRegions('', 10), []);
  for (const answer of ['4096 0', '0 5\n3 9', 'x', '-1 5', '0 5 6', '9 12'])
    assert.equal(parseRegions(answer, 8), null, answer);
});
