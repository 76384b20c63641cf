/** What a configuration may choose besides places and plans, shown by the real program. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { seededRandom } from '../support/seed.ts';

async function configured(t: TestContext, destination: string, source: string): Promise<Place> {
  const here = await place(t);
  writeFileSync(
    join(here.folder, 'holdfast.yaml'),
    `destinations:\n  main: { address: repository${destination} }\n` +
      `sources:\n  app: { kind: sqlite, path: app.db${source} }\n` +
      'plans:\n  nightly: { sources: [app] }\n',
  );
  succeeded(await here.holdfast(['init', '--config', 'holdfast.yaml']));
  return here;
}

const backup = (here: Place) => here.holdfast(['backup', 'nightly', '--json', '--config', 'holdfast.yaml']);
const bytesStored = async (here: Place) => JSON.parse(succeeded(await backup(here)).stdout).bytesStored;

test('differences: false stores a changed chunk whole', async (t) => {
  const random = seededRandom('differences off');
  const growth = async (destination: string) => {
    const here = await configured(t, destination, '');
    const database = new DatabaseSync(join(here.folder, 'app.db'));
    const insert = database.prepare('insert into users (name) values (?)');
    for (let i = 0; i < 300; i += 1) insert.run(random.bytes(1000).toString('base64'));
    await bytesStored(here);
    database.exec("update users set name = 'changed' where id % 60 = 0");
    database.close();
    return bytesStored(here);
  };
  const [by, without] = [await growth(''), await growth(', differences: false')];
  assert.ok(by * 3 < without, `${by} bytes with differences, ${without} without`);
});

test('allowDamaged backs up what fails its check, and says so', async (t) => {
  const damage = ({ folder }: Place) => {
    const database = new DatabaseSync(join(folder, 'app.db'));
    database.exec('create index by_name on users (name)');
    const root = database
      .prepare("select rootpage from sqlite_schema where name = 'by_name'")
      .get()!.rootpage;
    const { page_size: pageSize } = database.prepare('pragma page_size').get()!;
    database.close();
    const file = openSync(join(folder, 'app.db'), 'r+');
    // An entry of the index that no row has.
    writeSync(file, Buffer.from('X'), 0, 1, Number(root) * Number(pageSize) - 3);
    closeSync(file);
  };
  const strict = await configured(t, '', '');
  damage(strict);
  failed(await backup(strict), 1, 'source_damaged');
  const lenient = await configured(t, '', ', allowDamaged: true');
  damage(lenient);
  const run = succeeded(await backup(lenient));
  assert.match(run.stderr, /app\.db fails its integrity check/);
});

test('busyTimeoutSeconds: 0 does not wait for a writer', async (t) => {
  const here = await configured(t, '', ', busyTimeoutSeconds: 0');
  const writer = new DatabaseSync(join(here.folder, 'app.db'));
  writer.exec('begin exclusive');
  const { message } = failed(await backup(here), 1, 'source_busy');
  assert.match(message, /app\.db/);
  writer.exec('rollback');
  writer.close();
  succeeded(await backup(here));
});
