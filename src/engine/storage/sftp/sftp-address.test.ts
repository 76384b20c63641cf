import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSftpAddress } from './sftp-address.ts';

const FINGERPRINT = `SHA256:${'a+/'.repeat(14)}b`;

test('an address is taken apart, and shown without its parameters', () => {
  assert.deepEqual(
    parseSftpAddress(`sftp://backup@host.example:2222/srv/hold%20fast/?hostKey=${FINGERPRINT}`),
    {
      user: 'backup',
      host: 'host.example',
      port: 2222,
      folder: '/srv/hold fast',
      hostKeys: [FINGERPRINT],
      shown: 'sftp://backup@host.example:2222/srv/hold%20fast',
    },
  );
  const plain = parseSftpAddress('sftp://me%40corp@[::1]/x');
  assert.deepEqual([plain.user, plain.host, plain.port, plain.folder], ['me@corp', '::1', 22, '/x']);
  assert.equal(plain.shown, 'sftp://me%40corp@[::1]/x');
});

test('~ is the login folder, and only at the beginning', () => {
  const folderOf = (path: string) => parseSftpAddress(`sftp://u@h${path}`).folder;
  assert.equal(folderOf('/~/a/b'), 'a/b');
  assert.equal(folderOf('/~'), '.');
  assert.equal(folderOf('/~/'), '.');
  assert.equal(folderOf('//srv//a/'), '/srv/a');
  assert.equal(folderOf('/a/~'), '/a/~');
});

test('several host keys may be pinned, encoded or not', () => {
  const address = `sftp://u@h/x?hostKey=${encodeURIComponent(FINGERPRINT)}&hostKey=${FINGERPRINT}`;
  assert.deepEqual(parseSftpAddress(address).hostKeys, [FINGERPRINT, FINGERPRINT]);
});

test('what could lead elsewhere or shows a secret is refused, and the secret not repeated', () => {
  const bad = [
    'sftp://u@h',
    'sftp://u@h/',
    'sftp://h/x',
    'sftp://u@h/a/../b',
    'sftp://u@h/a/%2e%2e/b',
    'sftp://u@h/a%00b',
    'sftp://u:hunter2@h/x',
    'sftp://u@h/x?password=hunter2',
    'sftp://u@h/x?hostKey=SHA256:short',
    'sftp://u@h:99999/x',
  ];
  for (const address of bad) {
    assert.throws(
      () => parseSftpAddress(address),
      (error: Error & { code?: string }) => error.code === 'usage' && !error.message.includes('hunter2'),
      address,
    );
  }
});
