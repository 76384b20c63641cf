/** The command line with a repository on an SFTP server: everything an operator does, through bin/holdfast.js. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { runCli } from '../support/run-cli.ts';
import { randomFrom } from '../support/seed.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Host {
  readonly server: TestSshd;
  readonly folder: string;
  readonly environment: Record<string, string>;
  /** Runs with `--json` and gives what it says; asserts the exit code. */
  json(args: string[], exitCode?: number): Promise<Record<string, unknown>>;
}

async function host(t: TestContext): Promise<Host> {
  const server = await startSshd(t);
  const folder = await temporaryFolder(t);
  const environment = {
    HOLDFAST_HOME: join(folder, 'home'),
    HOLDFAST_REPOSITORY: server.addressOf('backups'),
    SFTP_PRIVATE_KEY_FILE: join(server.base, 'login-key'),
    SFTP_HOST_KEY: server.fingerprint,
    BACKUP_ENCRYPTION_KEY: generateKeyText(),
  };
  return {
    server,
    folder,
    environment,
    async json(args, exitCode = 0) {
      const run = await runCli([...args, '--json'], { folder, environment });
      assert.equal(run.status, exitCode, `${args.join(' ')}: ${run.stderr}${run.stdout}`);
      return JSON.parse(run.stdout) as Record<string, unknown>;
    },
  };
}

test('backup, list, verify, restore, rotate and prune over SFTP', async (t) => {
  const { server, folder, json } = await host(t);
  const contents = new Map([
    ['app/a.bin', randomFrom(11).bytes(3_000_000)],
    ['app/deep/b.txt', Buffer.from('words\n'.repeat(10_000))],
    ['app/empty', Buffer.alloc(0)],
  ]);
  mkdirSync(join(folder, 'app/deep'), { recursive: true });
  for (const [name, bytes] of contents) writeFileSync(join(folder, name), bytes);

  await json(['init']);
  const first = await json(['backup', 'app']);
  assert.equal(first.status, 'succeeded');
  writeFileSync(join(folder, 'app/a.bin'), randomFrom(12).bytes(2_000_000));
  const second = await json(['backup', 'app']);
  const listed = (await json(['list'])) as unknown as { id: string; status: string }[];
  assert.deepEqual(
    listed.map(({ id }) => id),
    [second.backupId, first.backupId],
  );
  assert.deepEqual(readdirSync(join(server.folder, 'backups/.tmp')), []);

  await json(['verify']);
  await json(['restore', String(first.backupId), '--to', 'restored', '--confirm-restore']);
  for (const [name, bytes] of contents) {
    assert.ok(readFileSync(join(folder, 'restored', name)).equals(bytes), name);
  }
  await json(['rotate']);
  await json(['prune']);

  const packs = join(server.folder, 'backups/packs');
  const [shard] = readdirSync(packs);
  const pack = join(packs, shard!, readdirSync(join(packs, shard!))[0]!);
  writeFileSync(pack, readFileSync(pack).subarray(0, 1000));
  await json(['verify'], 4);
});

test('a server that restarts in the middle of a backup costs nothing, a killed backup only itself', async (t) => {
  const { server, folder, environment, json } = await host(t);
  const proxy = await startCountingProxy(server.port);
  t.after(() => proxy.stop());
  environment.HOLDFAST_REPOSITORY = server.addressOf('backups', proxy.port);
  writeFileSync(join(folder, 'data'), randomBytes(12_000_000));
  await json(['init']);
  /** The pack is on its way: random bytes do not get smaller. */
  const begun = () => {
    proxy.reset();
    return proxy.after(4_000_000);
  };

  const killed = await runCli(['backup', 'data'], {
    folder,
    environment,
    onStart: (child) => void begun().then(() => child.kill('SIGKILL')),
  });
  assert.equal(killed.signal, 'SIGKILL');
  assert.deepEqual(await json(['list']), []);

  const restarted = begun().then(async () => {
    await server.kill();
    await wait(300);
    await server.start();
  });
  assert.equal((await json(['backup', 'data'])).status, 'succeeded');
  await restarted;
  await json(['verify']);
});

test('doctor tries the destination and says what its server can do', async (t) => {
  const { json, server } = await host(t);
  await json(['init']);
  const { ok, checks } = (await json(['doctor'])) as {
    ok: boolean;
    checks: { name: string; status: string }[];
  };
  assert.equal(ok, true);
  const found = Object.fromEntries(checks.map(({ name, status }) => [name, status]));
  for (const name of ['destination', 'destination, durability', 'destination, no overwriting', 'space']) {
    assert.equal(found[name], 'ok', name);
  }
  assert.deepEqual(readdirSync(join(server.folder, 'backups/.tmp')), []);
});

test('a server that is not known, or not the same, is refused with the way on, and no secret is shown', async (t) => {
  const { folder, environment, server } = await host(t);
  const { SFTP_HOST_KEY: _, ...unknown } = environment;
  const other = `SHA256:${'B'.repeat(43)}`;
  const cases: [Record<string, string>, RegExp][] = [
    [
      unknown,
      new RegExp(
        `is not known: it shows ssh-ed25519 ${literally(server.fingerprint)}\n {2}next: .*SFTP_HOST_KEY=`,
      ),
    ],
    [
      { ...environment, SFTP_HOST_KEY: other },
      new RegExp(`shows the host key ssh-ed25519 ${literally(server.fingerprint)}, expected was ${other}`),
    ],
    [
      { ...environment, SFTP_PRIVATE_KEY_FILE: 'missing' },
      /the file missing does not exist\n {2}next: check SFTP_PRIVATE_KEY_FILE/,
    ],
    [{ ...unknown, SFTP_HOST_KEY: 'MD5:00' }, /MD5:00 is not the fingerprint of a host key/],
    [
      { ...environment, HOLDFAST_REPOSITORY: `sftp://${server.user}:hunter2@127.0.0.1:${server.port}/x` },
      /an SFTP address must not hold a password\n {2}next: set SFTP_PASSWORD/,
    ],
  ];
  for (const [given, message] of cases) {
    const run = await runCli(['list'], { folder, environment: given });
    assert.match(run.stderr, message);
    assert.ok(run.status === 6 || run.status === 2, `${run.status}`);
    assert.doesNotMatch(run.stderr + run.stdout, /hunter2|OPENSSH PRIVATE/);
  }
});

test('a known_hosts file of the user is enough, and so is their own key', async (t) => {
  const { folder, environment, server, json } = await host(t);
  await json(['init']);
  const [type, key] = readFileSync(join(server.base, 'host-key.pub'), 'utf8').split(' ');
  mkdirSync(join(folder, '.ssh'), { mode: 0o700 });
  writeFileSync(join(folder, '.ssh/known_hosts'), `[127.0.0.1]:${server.port} ${type} ${key}\n`);
  writeFileSync(join(folder, '.ssh/id_ed25519'), readFileSync(join(server.base, 'login-key')), {
    mode: 0o600,
  });
  const { SFTP_HOST_KEY: _, SFTP_PRIVATE_KEY_FILE: __, ...given } = environment;
  const run = await runCli(['list'], { folder, environment: given });
  assert.equal(run.status, 0, run.stderr);
});

const literally = (text: string) => text.replace(/[+/]/g, '\\$&');
