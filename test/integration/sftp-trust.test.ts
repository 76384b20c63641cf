/** Who the server is, who we are, and what it may refuse. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { HoldfastError } from '../../src/engine/base/errors.ts';
import type { Patience } from '../../src/engine/storage/sftp/sftp-link.ts';
import type { SftpSettings } from '../../src/engine/storage/sftp/sftp-settings.ts';
import { openSftpStorage } from '../../src/engine/storage/sftp/sftp-storage.ts';
import { makeKey, startSshd, type TestSshd } from '../support/sshd.ts';
import { startPasswordServer } from '../support/sshd-password.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PATIENCE: Patience = { firstMs: 5_000, laterMs: 10_000, attempts: 3 };
const isRoot = process.getuid?.() === 0;
const OTHER = `SHA256:${'A'.repeat(43)}`;

async function open(t: TestContext, server: TestSshd, settings: SftpSettings, address?: string) {
  const at = address ?? server.addressOf('store');
  const storage = await openSftpStorage({ address: at, settings, patience: PATIENCE });
  t.after(() => storage.close());
  return storage;
}

async function refusal(t: TestContext, server: TestSshd, settings: SftpSettings): Promise<HoldfastError> {
  let caught: unknown = null;
  await assert.rejects(open(t, server, settings), (error) => {
    caught = error;
    return true;
  });
  return caught as HoldfastError;
}

test('an unknown server is refused with its fingerprint and the way to accept it', async (t) => {
  const server = await startSshd(t);
  const { hostKeys: _, ...login } = server.settings;
  const error = await refusal(t, server, login);
  assert.equal(error.code, 'host_key_unknown');
  assert.ok(error.message.includes(`it shows ssh-ed25519 ${server.fingerprint}`), error.message);
  assert.ok(error.next.includes(`SFTP_HOST_KEY=${server.fingerprint}`), error.next);
  const pinned = `${server.addressOf('store')}?hostKey=${encodeURIComponent(server.fingerprint)}`;
  const storage = await open(t, server, login, pinned);
  assert.equal(storage.address, server.addressOf('store'), 'what is shown has no parameters');
  await open(t, server, login, `${server.addressOf('store')}?hostKey=${server.fingerprint}`);
});

test('known_hosts is believed, hashed or not, and any other key is a hard error', async (t) => {
  const server = await startSshd(t);
  const { hostKeys: _, ...login } = server.settings;
  const [type, key] = readFileSync(join(server.base, 'host-key.pub'), 'utf8').split(' ');
  const file = join(server.base, 'known_hosts');
  writeFileSync(file, `# a comment\n[127.0.0.1]:${server.port},[other]:22 ${type} ${key}\n`);
  await open(t, server, { ...login, knownHosts: readFileSync(file, 'utf8') });
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
  const hashed = readFileSync(file, 'utf8');
  assert.ok(hashed.includes('|1|') && !hashed.includes('127.0.0.1'));
  await open(t, server, { ...login, knownHosts: hashed });

  const before = server.fingerprint;
  server.changeHostKey();
  await server.kill();
  await server.start();
  const error = await refusal(t, server, { ...login, knownHosts: hashed });
  assert.equal(error.code, 'host_key_changed');
  assert.ok(error.message.includes(server.fingerprint) && error.message.includes(before), error.message);
  const revoked = `@revoked * ${readFileSync(join(server.base, 'host-key.pub'), 'utf8')}`;
  const hostKeys = [server.fingerprint];
  assert.equal(
    (await refusal(t, server, { ...login, hostKeys, knownHosts: revoked })).code,
    'host_key_changed',
  );
});

test('a server with several keys is asked for the one that is known', async (t) => {
  const server = await startSshd(t, { hasRsaKey: true });
  const { hostKeys: _, ...login } = server.settings;
  const [type, key] = readFileSync(join(server.base, 'host-key-rsa.pub'), 'utf8').split(' ');
  await open(t, server, { ...login, knownHosts: `[127.0.0.1]:${server.port} ${type} ${key}` });
  const pinned = execFileSync('ssh-keygen', ['-lf', join(server.base, 'host-key-rsa.pub')], {
    encoding: 'utf8',
  });
  const error = await refusal(t, server, { ...login, hostKeys: [pinned.split(' ')[1]!] });
  assert.equal(error.code, 'host_key_changed', 'a fingerprint does not say which kind of key it is of');
});

test('a key that changes behind a running connection is noticed at the next one', async (t) => {
  const server = await startSshd(t);
  const storage = await open(t, server, server.settings);
  await storage.put('object', Buffer.from('x'));
  await server.kill();
  server.changeHostKey();
  await server.start();
  await assert.rejects(storage.get('object'), { code: 'host_key_changed' });
  assert.equal(
    (await refusal(t, server, { ...server.settings, hostKeys: [OTHER] })).code,
    'host_key_changed',
  );
});

test('a wrong key, password or passphrase is refused once, in words that say what to check', async (t) => {
  const server = await startSshd(t, { config: ['PasswordAuthentication yes'] });
  const { hostKeys } = server.settings;
  makeKey(join(server.base, 'stranger'));
  makeKey(join(server.base, 'locked'), 'open sesame');
  writeFileSync(join(server.base, 'authorized'), readFileSync(join(server.base, 'locked.pub')));
  const stranger = readFileSync(join(server.base, 'stranger'), 'utf8');
  const privateKey = readFileSync(join(server.base, 'locked'), 'utf8');
  const cases: [SftpSettings, RegExp][] = [
    [{ hostKeys, privateKey: stranger }, /refused the login of /],
    [{ hostKeys, password: 'not the password' }, /refused the login of /],
    [{ hostKeys, privateKey }, /private key .* cannot be used/],
    [{ hostKeys, privateKey, passphrase: 'wrong' }, /private key .* cannot be used/],
    [{ hostKeys, privateKey: 'not a key at all' }, /private key .* cannot be used/],
    [{ hostKeys }, /nothing was given to log in to /],
  ];
  for (const [settings, message] of cases) {
    const error = await refusal(t, server, settings);
    assert.equal(error.code, 'storage_denied');
    assert.match(error.message, message);
    assert.doesNotMatch(`${error.message} ${error.next}`, /not the password|sesame|BEGIN/);
  }
  const storage = await open(t, server, { hostKeys, privateKey, passphrase: 'open sesame' });
  assert.equal(await storage.put('object', Buffer.from('x')), 'created');
});

test('a password is given in the way the server wants it, and a wrong one is not tried for ever', async (t) => {
  for (const way of ['password', 'keyboard-interactive'] as const) {
    const { address, fingerprint, tried } = await startPasswordServer(t, way, 'the right one');
    const login = (password: string) =>
      openSftpStorage({ address, settings: { password, hostKeys: [fingerprint] }, patience: PATIENCE });
    const storage = await login('the right one');
    assert.equal(await storage.stat('object'), null);
    await storage.close();
    const before = tried.length;
    await assert.rejects(login('a wrong one'), { code: 'storage_denied' });
    const more = tried.length - before;
    assert.ok(more > 0 && more < 5, tried.join());
  }
});

test('an agent is asked', async (t) => {
  const server = await startSshd(t);
  const agentSocket = join(server.base, 'agent');
  const started = execFileSync('ssh-agent', ['-a', agentSocket], { encoding: 'utf8' });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
  t.after(() => process.kill(pid));
  const { hostKeys } = server.settings;
  assert.equal((await refusal(t, server, { hostKeys, agentSocket })).code, 'storage_denied');
  const environment = { ...process.env, SSH_AUTH_SOCK: agentSocket };
  execFileSync('ssh-add', ['-q', join(server.base, 'login-key')], { env: environment, stdio: 'ignore' });
  const storage = await open(t, server, {
    hostKeys,
    agentSocket,
    privateKey: 'unusable, but there is the agent',
  });
  assert.equal(await storage.stat('object'), null);
});

test('files are 0600 and folders 0700, free space is that of the disk, old leftovers go', async (t) => {
  const server = await startSshd(t);
  const storage = await open(t, server, server.settings);
  const { bavail, bsize } = statfsSync(server.folder);
  const free = await storage.freeBytes();
  assert.ok(free !== null && Math.abs(free - bavail * bsize) < 2 ** 30, 'also before the folder is made');
  mkdirSync(join(server.folder, 'store/.tmp'), { recursive: true, mode: 0o700 });
  chmodSync(join(server.folder, 'store'), 0o700);
  const leftovers = ['old', 'new'].map((name) => join(server.folder, 'store/.tmp', name));
  for (const path of leftovers) writeFileSync(path, 'x');
  const longAgo = new Date(Date.now() - 25 * 3600 * 1000);
  utimesSync(leftovers[0]!, longAgo, longAgo);
  await storage.put('a/b/c', Buffer.from('x'));
  const modes = ['', 'a', 'a/b', 'a/b/c'].map(
    (path) => statSync(join(server.folder, 'store', path)).mode & 0o777,
  );
  assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o600]);
  assert.deepEqual(readdirSync(join(server.folder, 'store/.tmp')), ['new']);
  const { modifiedAtMs } = (await storage.stat('a/b/c'))!;
  assert.ok(Math.abs(modifiedAtMs - Date.now()) < 60_000);
});

test('a folder below the login folder is reached by ~', async (t) => {
  const server = await startSshd(t, {
    config: [`Subsystem sftp internal-sftp -d ${await temporaryFolder(t)}`],
  });
  const address = `sftp://${server.user}@127.0.0.1:${server.port}/~/deep/store`;
  const storage = await open(t, server, server.settings, address);
  assert.equal(await storage.put('a/b', Buffer.from('x')), 'created');
  const names = [];
  for await (const { name } of storage.list('')) names.push(name);
  assert.deepEqual(names, ['a/b']);
});

test('a folder that may not be written is named as such, and nothing is retried', async (t) => {
  const server = await startSshd(t);
  const folder = join(server.folder, 'store');
  mkdirSync(folder);
  writeFileSync(join(folder, 'there'), 'x', { mode: 0o000 });
  // Root may write anywhere, so root logs in as nobody.
  chmodSync(folder, isRoot ? 0o755 : 0o500);
  chmodSync(server.base, 0o755);
  const user = isRoot ? 'nobody' : server.user;
  const address = `sftp://${user}@127.0.0.1:${server.port}${folder}`;
  const storage = await open(t, server, server.settings, address);
  await assert.rejects(storage.put('a/b', Buffer.from('x')), { code: 'storage_denied', message: /^a\/b: / });
  await assert.rejects(storage.get('there'), { code: 'storage_denied' });
  await assert.rejects(storage.remove('there'), { code: 'storage_denied' });
});

test('a full disk is told from other refusals, leaves nothing behind, and room makes the next put succeed', async (t) => {
  // A tmpfs needs root; anybody may limit how long the files of a server get, which it reports without a reason.
  const mounted = isRoot ? mountSmall(t) : null;
  const server = await startSshd(t);
  const folder = mounted ?? join(server.folder, 'store');
  if (mounted === null) {
    await server.kill();
    await server.start({ largestFileBytes: 4_000_000 });
  }
  const address = `sftp://${server.user}@127.0.0.1:${server.port}${folder}`;
  const storage = await open(t, server, server.settings, address);
  const most = Buffer.alloc(3_000_000, 'm');
  assert.equal(await storage.put('small', Buffer.alloc(1000)), 'created');
  await assert.rejects(storage.put('large', Buffer.alloc(8_000_000)), {
    code: isRoot ? 'storage_full' : 'storage_io',
    message: /^the server refused to write/,
  });
  assert.deepEqual(readdirSync(join(folder, '.tmp')), []);
  assert.equal(await storage.stat('large'), null);
  assert.equal(await storage.put('large', most), 'created');
  assert.ok((await storage.get('large')).equals(most));
  assert.equal((await storage.get('small')).length, 1000);
});

function mountSmall(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', folder]);
  t.after(() => {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  return folder;
}

test('an address is understood, or refused before anything is asked', async () => {
  const bad = [
    'sftp://host/folder',
    'sftp://user@host',
    'sftp://user@host/',
    'sftp://user:secret@host/folder',
    'sftp://user@/folder',
    'sftp://user@host/a/../b',
    'sftp://user@host/folder?hostKey=MD5:00',
    'sftp://user@host/folder?password=secret',
    'sftp://user@host/%zz',
  ];
  for (const address of bad) {
    await assert.rejects(openSftpStorage({ address, settings: {} }), (error: HoldfastError) => {
      assert.equal(error.code, 'usage', address);
      assert.doesNotMatch(`${error.message} ${error.next}`, /:secret|=secret/);
      return true;
    });
  }
});
