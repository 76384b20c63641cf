/** `holdfast verify --heal` where a copy does not open any more, or what is held, signed or wrapped is damaged. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyPayload } from '../../src/contracts/cli-payloads.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { openEngine } from '../../src/engine/index.ts';
import { copiesPlace } from '../support/copies-place.ts';

const TWO = `
destinations:
  main: { address: ./main, minimumFreeBytes: 0, keys: { current: { env: KEY_A } } }
  offsite: { address: ./offsite, minimumFreeBytes: 0, keys: { current: { env: KEY_A } } }
sources: { app: { kind: files, path: ./app } }
plans: { nightly: { sources: [app], destinations: [main, offsite] } }
`;

test('a copy that lost its config and its keyring opens again, with its holds; a slot that nobody has is told', async (t) => {
  const place = await copiesPlace(t, TWO);
  const offsite = (...names: string[]) => join(place.folder, 'offsite', ...names);
  const flip = (file: string) => {
    const bytes = readFileSync(file);
    bytes[bytes.length - 3]! ^= 4;
    writeFileSync(file, bytes);
  };
  const repair = async () => {
    const run = await place.run(['verify', '--heal', '--json']);
    const { copies } = verifyPayload.parse(JSON.parse(run.stdout));
    return {
      ...run,
      statuses: copies!.map(({ status }) => status),
      failures: copies!.flatMap((one) => one.failures),
    };
  };
  await place.write('one', 'the first file');
  await place.json(['init']);
  await place.json(['backup']);
  await place.json(['hold', 'latest', '--reason', 'for the audit']);

  const config = readFileSync(offsite('config'));
  rmSync(offsite('config'));
  flip(offsite('keyrings/00000001'));
  const [hold] = readdirSync(offsite('holds'));
  flip(offsite('holds', hold!));
  const before = await place.run(['verify']);
  assert.notEqual(before.status, 0, 'the control: it does not open');
  const mended = await repair();
  assert.deepEqual([mended.status, mended.statuses], [0, ['good', 'good']], mended.stderr + mended.stdout);
  assert.match(mended.stderr, /offsite: written anew: keyrings\/00000001, config/);
  assert.deepEqual(readFileSync(offsite('config')), config);
  const engine = await openEngine({
    ...{ address: offsite(), layout: 'repository', keyTexts: [place.environment.KEY_A!] },
    ...{ progress: silentProgress, signal: new AbortController().signal },
    ...{ signingKeyFile: join(place.folder, 'signing-key.pem'), stateFolder: join(place.folder, 'state') },
  });
  assert.deepEqual(
    (await engine.listHolds()).map(({ reason }) => reason),
    ['for the audit'],
  );
  await engine.close();

  const [own] = readdirSync(offsite('keys'));
  writeFileSync(join(place.folder, 'new-key'), place.environment.KEY_B!, { mode: 0o600 });
  const extra = await place.run([
    'key',
    'add',
    '--destination',
    'offsite',
    '--key-file',
    join(place.folder, 'new-key'),
  ]);
  assert.equal(extra.status, 0, extra.stderr);
  const slot = readdirSync(offsite('keys')).find((name) => name !== own)!;
  writeFileSync(offsite('keys', slot), 'no slot');
  const told = await repair();
  assert.notEqual(told.status, 0);
  assert.match(JSON.stringify(told.failures), new RegExp(`holdfast key retire ${slot}`));
  const retired = await place.run(['key', 'retire', slot, '--destination', 'offsite']);
  assert.equal(retired.status, 0, retired.stderr);
  assert.equal((await repair()).status, 0);

  // Every slot gone: nothing opens it, and it is said what to do.
  rmSync(offsite('keys', own!));
  const lost = await repair();
  assert.notEqual(lost.status, 0);
  assert.match(JSON.stringify(lost.failures), /no key slot is left at .*recovery kit.*holdfast replicate/);
});
