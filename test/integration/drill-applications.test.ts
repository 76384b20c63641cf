/** Drills of files, keys and applications that are not what they should be: red, and for the right reason. */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DrillCheck, ExpectedSource, KeptState } from '../../src/engine/operations/drill/drill-types.ts';
import { assertGreen, assertRed, flipByte, type Sabotage, someOf } from '../support/drill-sabotage.ts';
import { type DrillWorld, drillWorld } from '../support/drill-world.ts';
import { startCluster } from '../support/postgres-cluster.ts';

const app = (more: Partial<Extract<DrillCheck, { kind: 'application' }>>): DrillCheck => ({
  ...{
    kind: 'application',
    name: 'app',
    folder: null,
    port: null,
    answersAt: '/',
    command: `exec ${process.execPath} ${SERVER}`,
  },
  ...{ environment: { KEY_FILE: '{key}' }, startTimeoutMs: 120_000, stopTimeoutMs: 2000, http: [] },
  ...more,
});
const http = (more: object): Extract<DrillCheck, { kind: 'application' }>['http'][number] => ({
  ...{ name: 'page', path: '/', method: 'GET', headers: {}, body: null, status: 200, responseHeaders: {} },
  ...{ json: {}, contains: null, save: {}, timeoutMs: 120_000 },
  ...more,
});
let SERVER = '';
const checks = (...all: DrillCheck[]) => ({ checks: all });
const uploads = (state: KeptState) => state.paths.uploads!;
const content = ['content of uploads'];

const sabotages = (): readonly Sabotage[] => [
  {
    name: 'a flipped byte in a database file',
    spoil: ({ paths }) => flipByte(paths.app!, 5000),
    red: ['content of app.db'],
    says: /not the bytes/,
  },
  {
    name: 'a flipped byte in a file',
    spoil: (state) => flipByte(join(uploads(state), 'logo.png'), 299_999),
    red: content,
    says: /logo\.png: (other content|another time)/,
  },
  {
    name: 'a missing file',
    spoil: (state) => rmSync(join(uploads(state), '2026/empty')),
    red: content,
    says: /2026\/empty: missing|another time/,
  },
  {
    name: 'a file too many',
    spoil: (state) => writeFileSync(join(uploads(state), '2026/more'), 'x'),
    red: content,
    says: /does not have|another time/,
  },
  {
    name: 'a file anybody may write to',
    spoil: (state) => chmodSync(join(uploads(state), 'logo.png'), 0o666),
    red: content,
    says: /mode 666/,
  },
  {
    name: 'a file cut short',
    spoil: (state) => writeFileSync(join(uploads(state), 'logo.png'), 'short'),
    red: content,
    says: /5 bytes instead of 300000/,
  },
  {
    name: 'an application that does not start',
    settings: checks(app({ command: 'echo the licence is over; exit 3' })),
    red: ['app starts'],
    says: /exit code 3: the licence is over/,
  },
  {
    name: 'an application that cannot be found',
    settings: checks(app({ command: '/no/such/program' })),
    red: ['app starts'],
    says: /not found/,
  },
  {
    name: 'an application that never answers',
    settings: checks(app({ command: 'sleep 60', startTimeoutMs: 700 })),
    red: ['app starts'],
    says: /did not answer/,
  },
  {
    name: 'an application without its key',
    spoil: ({ paths }) => rmSync(paths.key!),
    settings: checks(app({})),
    red: ['app starts', 'content of encryption_key'],
    says: /ENOENT/,
  },
  {
    name: 'the wrong version of the application',
    settings: checks(
      app({ environment: { KEY_FILE: '{key}', VERSION: '1' }, http: [http({ json: { version: '2' } })] }),
    ),
    red: ['app: page'],
    says: /version: 1 instead of 2/,
  },
  {
    name: 'a wrong status',
    settings: checks(app({ http: [http({ path: '/nothing' })] })),
    red: ['app: page'],
    says: /status 404 instead of 200/,
  },
  {
    name: 'a missing header',
    settings: checks(app({ http: [http({ responseHeaders: { 'x-tenant': 'one' } })] })),
    red: ['app: page'],
    says: /header x-tenant is missing/,
  },
  {
    name: 'a missing text',
    settings: checks(app({ http: [http({ contains: 'welcome' })] })),
    red: ['app: page'],
    says: /does not hold "welcome"/,
  },
  {
    name: 'an application that dies when asked',
    settings: checks(app({ http: [http({ path: '/die' }), http({ name: 'after' })] })),
    red: ['app starts', 'app: page', 'app: after'],
    says: /ended while it was asked/,
  },
  {
    name: 'a command that fails',
    settings: checks({
      kind: 'command',
      name: 'fsck',
      command: 'echo broken >&2; exit 9',
      folder: null,
      environment: {},
      timeoutMs: 120_000,
    }),
    red: ['fsck'],
    says: /exit code 9: broken/,
  },
  {
    name: 'a command that hangs',
    settings: checks({
      kind: 'command',
      name: 'fsck',
      command: 'sleep 99',
      folder: null,
      environment: {},
      timeoutMs: 300,
    }),
    red: ['fsck'],
    says: /took longer than 300 ms/,
  },
  // The source was damaged before the backup: no repository can know, whoever knows the right hash can.
  {
    name: 'a byte that was wrong before the backup',
    settings: checks({
      kind: 'command',
      name: 'hashes',
      command: 'echo "{wrong}  {uploads}/logo.png" | sha256sum -c',
      folder: null,
      environment: {},
      timeoutMs: 120_000,
    }),
    red: ['hashes'],
    says: /exit code 1/,
  },
];

test('every sabotage of files and applications is red, for its own reason', async (t) => {
  const live = await startCluster();
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'unused');
  SERVER = join(world.folder, 'server.mjs');
  writeFileSync(SERVER, SERVER_TEXT);
  const sources = world.sources.filter(({ kind }) => kind !== 'postgres');
  const expected = sources.map(({ name, kind }) => ({ name, kind, mayLack: false }));
  await world.backup(sources);
  assertGreen(
    await world.drill({
      sources,
      expected,
      settings: checks(app({ http: [http({ json: { version: '2' } })] })),
    }),
  );
  for (const one of someOf(sabotages(), 10)) {
    await t.test(one.name, async () => {
      const spoil = one.spoil ? { onRestored: async (state: KeptState) => one.spoil!(state) } : {};
      assertRed(await world.drill({ sources, expected, ...spoil, settings: { ...one.settings } }), one);
    });
  }
  await t.test('a missing and a damaged pack, a changed manifest', async () =>
    damagedRepository(world, sources, expected),
  );
  assert.deepEqual(readdirSync(world.drillRoot), []);
});

async function damagedRepository(
  world: DrillWorld,
  sources: DrillWorld['sources'],
  expected: readonly ExpectedSource[],
): Promise<void> {
  const repository = join(world.folder, 'repository');
  const below = (folder: string) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const withChange = async (files: readonly string[], change: (file: string) => void, failure: string) => {
    const kept = files.map((file) => [file, readFileSync(file)] as const);
    for (const file of files) {
      chmodSync(file, 0o600);
      change(file);
    }
    const { report } = await world.drill({ sources, expected });
    for (const [file, bytes] of kept) writeFileSync(file, bytes);
    assert.equal(report.result, 'red');
    assert.equal(report.rtoMs, null);
    assert.equal(report.failure?.code, failure, JSON.stringify(report.failure));
  };
  await withChange(below('packs'), (file) => flipByte(file, 200), 'object_damaged');
  await withChange(below('packs'), (file) => rmSync(file), 'chunk_missing');
  await withChange(below('backups'), (file) => flipByte(file, 200), 'manifest_forged');
}

const SERVER_TEXT = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
if (readFileSync(process.env.KEY_FILE, 'utf8').length < 16) throw new Error('key too short');
createServer((request, response) => {
  if (request.url === '/die') process.exit(1);
  response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ version: process.env.VERSION ?? '2' }));
}).listen(Number(process.env.PORT), '127.0.0.1');
`;
