import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openStorage } from './open-storage.ts';

test('an address below a file is told by the file, not by the disk', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  const storage = await openStorage(join(file, 'x'));
  await assert.rejects(storage.get('config'), {
    code: 'storage_io',
    message: `config: ${file} is no folder`,
    next: /check the address/,
  });
  await storage.close();
});
