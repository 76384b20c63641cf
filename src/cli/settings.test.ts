import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { specOfDestination } from './destination-specs.ts';
import { chooseDestination, configPath, homeFolder, interpolated, loadConfig } from './settings.ts';

test('the data folder follows HOLDFAST_HOME, then XDG_DATA_HOME, then the user', () => {
  assert.equal(homeFolder(fakeIo()), '/home/op/.local/share/holdfast');
  assert.equal(homeFolder(fakeIo({ environment: { XDG_DATA_HOME: '/data' } })), '/data/holdfast');
  assert.equal(homeFolder(fakeIo({ environment: { XDG_DATA_HOME: 'x' } })), '/home/op/.local/share/holdfast');
  assert.equal(
    homeFolder(fakeIo({ environment: { HOLDFAST_HOME: 'h', XDG_DATA_HOME: '/d' } })),
    '/srv/app/h',
  );
});

const CONFIG = `destinations:
  near: { address: ../backups }
  far: { address: "file://\${FAR}", keys: { current: { file: far.key } } }
sources:
  app: { kind: sqlite, path: app.db }
plans:
  nightly: { sources: [app], destination: far }
  any: { sources: [app] }
`;

test('the destination is the flag, the environment, the plan, or the default, in this order', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  const io = fakeIo({ folder, environment: { HOLDFAST_REPOSITORY: 'repo', FAR: '/mnt' } });
  const loaded = await loadConfig(io, {});
  const plan = loaded!.config.plans.nightly!;
  const bare = fakeIo({ folder, environment: { FAR: '/mnt' } });

  assert.equal((await chooseDestination(io, { repository: './x' }, loaded, plan)).address, join(folder, 'x'));
  assert.deepEqual((await chooseDestination(io, {}, loaded, plan)).chosenBy, 'HOLDFAST_REPOSITORY');
  const far = await chooseDestination(bare, {}, loaded, plan);
  assert.deepEqual([far.address, far.keys], ['file:///mnt', { current: { file: 'far.key' } }]);
  await assert.rejects(chooseDestination(bare, {}, loaded, loaded!.config.plans.any!), {
    code: 'usage',
    message: /near, far/,
  });
  const none = await chooseDestination(bare, {}, null, null);
  assert.deepEqual([none.address, none.chosenBy], ['/home/op/.local/share/holdfast/repository', 'default']);
  const local = fakeIo({ folder, environment: { BACKUP_DIR: 'backups', FAR: '/mnt' } });
  assert.equal((await chooseDestination(local, {}, null, null)).address, join(folder, 'backups'));
  assert.equal((await chooseDestination(local, {}, loaded, plan)).address, 'file:///mnt');
});

test('a destination is named by --destination, which comes before the environment and not beside an address', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  const io = fakeIo({ folder, environment: { HOLDFAST_REPOSITORY: 'repo', FAR: '/mnt' } });
  const loaded = await loadConfig(io, {});
  const near = await chooseDestination(io, { destination: 'near' }, loaded, null);
  assert.deepEqual(
    [near.name, near.address, near.chosenBy],
    ['near', join(folder, '../backups'), '--destination'],
  );
  await assert.rejects(chooseDestination(io, { destination: 'fra' }, loaded, null), {
    code: 'usage',
    message: /has no destination fra/,
  });
  await assert.rejects(chooseDestination(io, { destination: 'near' }, null, null), {
    code: 'config_missing',
  });
  await assert.rejects(chooseDestination(io, { destination: 'near', repository: '/x' }, loaded, null), {
    message: '--repository and --destination exclude each other',
  });
});

test('a named configuration must be there, one in the folder may be', async (t) => {
  const folder = await temporaryFolder(t);
  const io = fakeIo({ folder });
  assert.equal(configPath(io, {}), null);
  assert.equal(await loadConfig(io, {}), null);
  await assert.rejects(loadConfig(io, { config: 'c.yaml' }), { code: 'config_missing', message: /c\.yaml/ });
  await writeFile(join(folder, 'c.yaml'), 'plan: {}\nsource: {}\n');
  await assert.rejects(
    loadConfig(fakeIo({ folder, environment: { HOLDFAST_CONFIG: 'c.yaml' } }), {}),
    (error) => {
      const { code, message } = error as { code: string; message: string };
      const file = join(folder, 'c.yaml');
      assert.equal(code, 'config_invalid');
      assert.deepEqual(message.split('\n'), [
        `${file} line 1, column 1: plan: unknown field, did you mean plans?`,
        `${file} line 2, column 1: source: unknown field, did you mean sources?`,
      ]);
      return true;
    },
  );
});

test("a configuration that merely lies in the folder must not be a stranger's", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'holdfast.yaml');
  await writeFile(file, CONFIG);
  await chmod(file, 0o666);
  const io = fakeIo({ folder });
  assert.throws(() => configPath(io, {}), { code: 'config_invalid', message: /can be written by anyone/ });
  assert.equal(configPath(io, { config: 'holdfast.yaml' }), file);
  await chmod(file, 0o664);
  assert.equal(configPath(io, {}), file);
});

test('an unset variable is named, with the field that needs it', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  const io = fakeIo({ folder });
  const loaded = (await loadConfig(io, {}))!;
  await assert.rejects(interpolated(io, loaded, 'x/${NOPE}', 'the path of app'), {
    code: 'config_invalid',
    message: /the path of app needs the environment variable NOPE/,
  });
});

test('the minimum of free space is the environment, the destination, or left to the engine, in this order', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'holdfast.yaml'),
    'destinations: { main: { address: /backups, minimumFreeBytes: 1000 } }\n',
  );
  const minimumWith = async (HOLDFAST_MINIMUM_FREE_BYTES: string, options = {}) => {
    const io = fakeIo({ folder, environment: { HOLDFAST_MINIMUM_FREE_BYTES } });
    return (await chooseDestination(io, options, await loadConfig(io, {}), null)).minimumFreeBytes;
  };
  assert.equal(await minimumWith(''), 1000);
  assert.equal(await minimumWith('0'), 0);
  assert.equal(await minimumWith('', { repository: '/elsewhere' }), null);
  assert.equal(await minimumWith('7', { repository: '/elsewhere' }), 7);
  for (const text of ['500MB', '-1', '1e9']) {
    await assert.rejects(minimumWith(text), { code: 'usage', message: /HOLDFAST_MINIMUM_FREE_BYTES/ });
  }
});

test('a plan that says nothing about retention is rotated by the settings of the file, its tenant’s first', async (t) => {
  const folder = await temporaryFolder(t);
  const settings = `settings: { retention.days: 90, retention.versions: 9 }
tenants: { acme: { settings: { retention.days: 30 } } }
`;
  const mine = '  mine: { sources: [app], destination: far, tenantId: acme }\n';
  await writeFile(join(folder, 'holdfast.yaml'), `${settings}${CONFIG}${mine}`);
  const io = fakeIo({ folder, environment: { FAR: '/mnt' } });
  const loaded = (await loadConfig(io, {}))!;
  const cli = { io, json: false, signal: AbortSignal.timeout(60_000), options: {}, note: () => undefined };
  const { rulesOf } = await specOfDestination(cli, loaded, 'far');
  assert.deepEqual(
    [rulesOf('mine'), rulesOf('nightly')],
    [
      { days: 30, versions: 9 },
      { days: 90, versions: 9 },
    ],
  );
});
