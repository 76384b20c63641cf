/** Recovery kits as the engine makes them: nothing is overwritten, and doctor knows when one is due. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import {
  type Engine,
  generateKeyText,
  type KitRequest,
  openEngine,
  writeKit,
} from '../../src/engine/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface World {
  readonly folder: string;
  kit(name: string, more?: Partial<KitRequest>): ReturnType<typeof writeKit>;
  withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T>;
}

async function world(t: TestContext, layout: 'repository' | 'bundles' = 'repository'): Promise<World> {
  const folder = await temporaryFolder(t);
  const options = {
    address: join(folder, 'destination'),
    layout,
    keyTexts: [generateKeyText()],
    signingKeyFile: join(folder, 'home/signing-key.pem'),
    stateFolder: join(folder, 'home/state'),
  };
  const open = async (create?: 'always') =>
    openEngine({
      ...options,
      progress: silentProgress,
      signal: new AbortController().signal,
      ...(create ? { create } : {}),
    });
  await (await open('always')).close();
  return {
    folder,
    kit: (name, more = {}) =>
      writeKit({
        folder: join(folder, name),
        zipFile: null,
        withKey: false,
        kitPassphrase: null,
        configuration: null,
        destinations: [{ name: null, options }],
        ...more,
      }),
    async withEngine(work) {
      const engine = await open();
      return work(engine).finally(() => engine.close());
    },
  };
}

const taken = (error: unknown) => codeOf(error) === 'target_not_empty';

test('nothing is overwritten: neither a folder that holds something, nor a zip, nor a kit', async (t) => {
  const { folder, kit } = await world(t);
  fs.mkdirSync(join(folder, 'mine'));
  fs.writeFileSync(join(folder, 'mine/file'), 'mine');
  await assert.rejects(kit('mine'), taken);
  await assert.rejects(kit('mine/file'), taken);
  await assert.rejects(kit('kit', { zipFile: join(folder, 'mine/file') }), taken);
  assert.equal(fs.existsSync(join(folder, 'kit')), false);
  assert.equal(fs.readFileSync(join(folder, 'mine/file'), 'utf8'), 'mine');
  fs.mkdirSync(join(folder, 'kit'));
  await kit('kit');
  const before = fs.readFileSync(join(folder, 'kit/kit.json'), 'utf8');
  await assert.rejects(kit('kit'), taken);
  assert.equal(fs.readFileSync(join(folder, 'kit/kit.json'), 'utf8'), before);
  assert.deepEqual(
    fs.readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  );
});

test('a kit is refused when the key given opens only what is old', async (t) => {
  const { folder, kit, withEngine } = await world(t);
  await withEngine((engine) => engine.rotateKey(generateKeyText(), 'next'));
  await assert.rejects(kit('kit'), (error) => codeOf(error) === 'key_wrong');
  assert.equal(fs.existsSync(join(folder, 'kit')), false);
});

for (const layout of ['repository', 'bundles'] as const) {
  test(`doctor asks for a kit until there is one, layout ${layout}`, async (t) => {
    const { kit, withEngine } = await world(t, layout);
    const check = () =>
      withEngine(async (engine) => {
        const { status, message } = (await engine.doctor()).find(({ name }) => name === 'recovery kit')!;
        return `${status}: ${message}`;
      });
    assert.match(await check(), /^warning: no recovery kit was made on this machine/);
    await kit('kit');
    assert.match(await check(), /^ok: made on \d{4}-\d{2}-\d{2}$/);
    if (layout === 'bundles') return;
    await withEngine((engine) => engine.addKey(generateKeyText(), 'second'));
    assert.match(await check(), /^warning: made on .*, before there were new keys/);
    await kit('kit-2');
    assert.match(await check(), /^ok/);
  });
}
