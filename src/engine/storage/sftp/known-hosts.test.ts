import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { knownKeysOf } from './known-hosts.ts';

const key = (name: string) => Buffer.from(name).toString('base64');
const found = (text: string, host: string, port = 22) =>
  knownKeysOf(text, host, port).map((one) => `${one.isRevoked ? '-' : ''}${one.key}`);

test('names, lists, patterns and ports are told apart as OpenSSH does', () => {
  const text = [
    '# backup ssh-ed25519 commented',
    `backup,10.0.0.7 ssh-ed25519 ${key('plain')} a comment`,
    `[backup]:2222 ssh-ed25519 ${key('port')}`,
    `*.example.org,!old.example.org ssh-rsa ${key('pattern')}`,
    `host? ssh-ed25519 ${key('one letter')}\r`,
    `@cert-authority * ssh-ed25519 ${key('authority')}`,
    `@revoked backup ssh-rsa ${key('revoked')}`,
    'backup',
    'backup ssh-ed25519',
    '',
  ].join('\n');
  assert.deepEqual(found(text, 'backup'), ['plain', '-revoked']);
  assert.deepEqual(found(text, 'BACKUP', 2222), ['port']);
  assert.deepEqual(found(text, '10.0.0.7'), ['plain']);
  assert.deepEqual(found(text, '10.0.0.7', 23), []);
  assert.deepEqual(found(text, 'new.example.org'), ['pattern']);
  assert.deepEqual(found(text, 'old.example.org'), []);
  assert.deepEqual(found(text, 'newXexample.org'), []);
  assert.deepEqual(found(text, 'host1'), ['one letter']);
  assert.deepEqual(found(text, 'host12'), []);
});

test('hashed names match their host alone', () => {
  const salt = Buffer.from('twenty bytes of salt');
  const hash = (name: string) => createHmac('sha1', salt).update(name).digest('base64');
  const text = [
    `|1|${salt.toString('base64')}|${hash('backup')} ssh-ed25519 ${key('hashed')}`,
    `|1|${salt.toString('base64')}|${hash('[backup]:2222')} ssh-ed25519 ${key('hashed port')}`,
    `|1|${salt.toString('base64')} ssh-ed25519 ${key('cut off')}`,
  ].join('\n');
  assert.deepEqual(found(text, 'backup'), ['hashed']);
  assert.deepEqual(found(text, 'Backup', 2222), ['hashed port']);
  assert.deepEqual(found(text, 'other'), []);
});
