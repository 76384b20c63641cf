import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

test('a full disk is told as one, and the upload goes on from what is there, whatever comes', async (t) => {
  const folder = await temporaryFolder(t);
  const sessions = uploadSessions(folder, 1000);
  const bytes = Buffer.from('abcdef');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { id } = await sessions.create({ name: null, sizeBytes: 6, sha256, userId: 'me' });
  const file = join(folder, `${id}.bundle`);
  await rm(file);
  await symlink('/dev/full', file);
  // Other bytes than later: what was counted of them and is not there must not be taken for what is.
  await assert.rejects(sessions.append(id, 'me', 0, Readable.from([Buffer.from('xyz')])), {
    code: 'storage_full',
    next: /free space on the server/,
  });
  await rm(file);
  await writeFile(file, '');
  const some = await sessions.append(id, 'me', 0, Readable.from([bytes.subarray(0, 2)]));
  assert.deepEqual([some.isComplete, some.offset], [false, 2]);
  const whole = await sessions.append(id, 'me', 2, Readable.from([bytes.subarray(2)]));
  assert.deepEqual([whole.isComplete, whole.sha256], [true, sha256]);
});
