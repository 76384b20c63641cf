import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { s3Settings } from './s3-settings.ts';

const settings = (environment: Record<string, string>, folder = '/srv/app') =>
  s3Settings(fakeCli(fakeIo({ folder, environment })));

test('the four variables of S3 give key, bucket and region', async () => {
  const found = await settings({
    S3_ACCESS_KEY_ID: 'AK',
    S3_SECRET_ACCESS_KEY: 'SK',
    S3_REGION: 'eu-central-1',
    S3_BUCKET: 'shop',
  });
  assert.deepEqual(found, {
    bucket: 'shop',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: undefined },
  });
});

test('without keys the library finds its own, and half a pair is a mistake', async () => {
  assert.deepEqual(await settings({}), { bucket: undefined, region: undefined });
  await assert.rejects(settings({ S3_ACCESS_KEY_ID: 'AK' }), /S3_SECRET_ACCESS_KEY is not set/);
  await assert.rejects(settings({ S3_SECRET_ACCESS_KEY: 'SK' }), /S3_ACCESS_KEY_ID is not set/);
});

test('secrets may lie in files, and a file that is named must be there', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'role'), 'role-key\n');
  const found = await settings({ SUPABASE_SERVICE_ROLE_KEY_FILE: 'role' }, folder);
  assert.deepEqual(found.supabase, { serviceRoleKey: 'role-key', anonKey: undefined });
  await assert.rejects(settings({ S3_SECRET_ACCESS_KEY_FILE: 'none' }, folder), {
    code: 'storage_denied',
    message: 'the file none does not exist',
  });
  await assert.rejects(settings({ S3_SECRET_ACCESS_KEY_FILE: 'role', S3_SECRET_ACCESS_KEY: 'x' }, folder), {
    code: 'usage',
  });
});
