import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import type { Login } from './settings.ts';
import { storageSettings } from './storage-settings.ts';

const settings = (
  address: string,
  login: Login,
  environment: Record<string, string>,
  folder = '/etc/holdfast',
) => storageSettings(fakeCli(fakeIo({ environment, userFolder: '/nobody' })), { address, login, folder });

const OWN_S3: Login = { s3: { accessKeyId: { env: 'OFF_ID' }, secretAccessKey: { file: 'off.secret' } } };

test('a login of the configuration counts alone, each destination its own', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'off.secret'), 'from the file\n');
  const environment = {
    S3_ACCESS_KEY_ID: 'other',
    S3_SECRET_ACCESS_KEY: 'other',
    S3_REGION: 'eu',
    OFF_ID: 'id',
  };
  const found = await settings('s3://shop', OWN_S3, environment, folder);
  assert.deepEqual(found.s3, {
    bucket: undefined,
    region: 'eu',
    credentials: { accessKeyId: 'id', secretAccessKey: 'from the file', sessionToken: undefined },
  });
  const plain = await settings('s3://shop', {}, environment, folder);
  assert.equal(plain.s3?.credentials?.accessKeyId, 'other');
  const supabase = await settings(
    'supabase://p',
    { supabase: { serviceRoleKey: { env: 'OFF_ID' } } },
    environment,
  );
  assert.deepEqual([supabase.s3?.supabase?.serviceRoleKey, supabase.s3?.credentials], ['id', undefined]);
});

test('an SFTP login of the configuration lets no password of the environment through', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'key'), 'PRIVATE\n');
  await writeFile(join(folder, 'hosts'), 'known\n');
  const environment = {
    SFTP_PASSWORD: 'of another server',
    SFTP_HOST_KEY: 'SHA256:other',
    SSH_AUTH_SOCK: '/agent',
  };
  const { sftp } = await settings(
    'sftp://a@b/c',
    { sftp: { privateKey: { file: 'key' }, hostKeys: ['SHA256:own'], knownHostsFile: 'hosts' } },
    environment,
    folder,
  );
  assert.deepEqual(sftp, {
    password: undefined,
    passphrase: undefined,
    privateKey: 'PRIVATE',
    agentSocket: undefined,
    hostKeys: ['SHA256:own'],
    knownHosts: 'known\n',
  });
  const pinned = await settings('sftp://a@b/c', { sftp: { hostKeys: ['SHA256:own'] } }, environment);
  assert.deepEqual([pinned.sftp?.password, pinned.sftp?.hostKeys], ['of another server', ['SHA256:own']]);
});

test('a secret that is not there is named by its field, and never guessed', async () => {
  await assert.rejects(settings('s3://shop', OWN_S3, {}), {
    code: 'storage_denied',
    message: 'the environment variable OFF_ID is not set',
    next: 'set OFF_ID, which s3.accessKeyId of the configuration names',
  });
  await assert.rejects(settings('s3://shop', OWN_S3, { OFF_ID: 'id' }, '/nowhere'), {
    message: 'the file /nowhere/off.secret does not exist',
  });
  assert.deepEqual(await settings('/srv/backups', OWN_S3, {}), {});
});

test('limits come from the command line before the configuration, and are bandwidths', async () => {
  const cli = (options: Record<string, string>) => ({ ...fakeCli(fakeIo({ environment: {} })), options });
  const limits = { uploadMiBPerSecond: 2, downloadMiBPerSecond: 0.5, concurrency: 3 };
  const place = { address: '/srv/backups', login: {}, folder: '/', limits };
  const given = await storageSettings(cli({ limitUpload: '1.5' }), place);
  assert.deepEqual(given.limits, {
    uploadBytesPerSecond: 1.5 * 2 ** 20,
    downloadBytesPerSecond: 2 ** 19,
    concurrency: 3,
  });
  for (const text of ['fast', '0', '-1', '']) {
    await assert.rejects(storageSettings(cli({ limitUpload: text }), place), { code: 'usage' }, text);
  }
});
