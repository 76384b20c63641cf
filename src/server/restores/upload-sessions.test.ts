import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { uploadSessions } from './upload-sessions.ts';

test('a line that broke without a word does not keep its upload from going on', async (t) => {
  const folder = await temporaryFolder(t);
  const sessions = uploadSessions(folder, 1000, { silenceMs: 20 });
  const { id } = await sessions.create({ name: null, sizeBytes: 6, sha256: null, userId: 'me' });
  const silent = new PassThrough();
  silent.write('abc');
  await assert.rejects(sessions.append(id, 'me', 0, silent), { code: 'upload_incomplete' });
  // How much of it reached the disk before is a matter of time.
  const { offset } = await sessions.get(id, 'me');
  const rest = Buffer.from('abcdef').subarray(offset);
  const whole = await sessions.append(id, 'me', offset, Readable.from([rest]));
  assert.deepEqual([whole.isComplete, whole.offset], [true, 6]);
});
