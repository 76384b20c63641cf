/** Keys of repositories and the recovery kit, over HTTP: people alone, with their password given anew, and written down. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKeyText, keyIdOf } from '../../src/engine/index.ts';
import { ensureCryptography } from '../support/decoders.ts';
import { httpWorld, person } from '../support/http-world.ts';

const KEYS = '/api/v1/destinations/main/keys';
const PASSPHRASE = 'seven grey geese over the fjord';

const UNZIP = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(json.dumps({i.filename: archive.read(i).decode('latin-1') for i in archive.infolist()}))
`;

/** Files of a kit by their names inside of its folder. */
function unzipped(folder: string, bytes: Buffer): Record<string, string> {
  const file = join(folder, 'kit.zip');
  writeFileSync(file, bytes);
  const files: Record<string, string> = JSON.parse(
    execFileSync(ensureCryptography(), ['-c', UNZIP, file], { encoding: 'utf8' }),
  );
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name.replace(/^[^/]+\//, ''), text]),
  );
}

test('another key opens a repository, until it is retired; the key of the server stays', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const slots = async () => (await owner.get(KEYS)).json;
  const before = await slots();
  assert.equal(before.items.length, 1);
  const [first] = before.items;
  assert.deepEqual(
    [first.key_id, first.kind, first.current, first.in_use, first.intact],
    [keyIdOf(world.keyText), 'raw', true, true, true],
  );
  assert.deepEqual(before.kit, { made_at: null, complete: false });

  const second = generateKeyText();
  const added = await owner.post(KEYS, { key: second, label: 'in the safe' });
  assert.equal(added.status, 201, added.text);
  const other = (await slots()).items.find(({ slot_id }: { slot_id: string }) => slot_id !== first.slot_id);
  assert.deepEqual(
    [other.slot_id, other.key_id, other.label, other.in_use],
    [added.json.slot_id, keyIdOf(second), 'in the safe', false],
  );

  const refused = await owner.send('DELETE', `${KEYS}/${first.slot_id}`);
  assert.deepEqual([refused.status, refused.json.code], [409, 'in_use']);
  assert.equal((await owner.send('DELETE', `${KEYS}/${other.slot_id}`)).status, 200);
  assert.equal((await owner.send('DELETE', `${KEYS}/${other.slot_id}`)).status, 404);
  assert.deepEqual(
    (await slots()).items.map(({ slot_id }: { slot_id: string }) => slot_id),
    [first.slot_id],
  );
  assert.ok(!JSON.stringify([world.records, world.log]).includes(second), 'a key is written down nowhere');
});

test('a key that is easy to guess, malformed, or in a service is refused, and at which field', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (const key of ['password1234', 'short', 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1']) {
    const { status, json } = await owner.post(KEYS, { key });
    assert.deepEqual([status, json.errors?.[0].field], [400, 'key'], key);
  }
  const broken = `${generateKeyText().slice(0, -1)}x`;
  assert.equal((await owner.post(KEYS, { key: broken })).json.code, 'key_malformed');
  assert.equal((await owner.post('/api/v1/destinations/none/keys', { key: PASSPHRASE })).status, 404);
  assert.equal((await owner.get(KEYS)).json.items.length, 1);
});

test('the kit: without a key, with the key wrapped, never with the key as it is', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  assert.deepEqual((await owner.get('/api/v1/kit')).json, { made_at: null, destinations: 0, first: false });
  assert.equal((await owner.post('/api/v1/kit')).json.code, 'document_unknown');
  await world.withPlan(owner);
  const due = { made_at: null, destinations: 1, first: true };
  assert.deepEqual((await owner.get('/api/v1/kit')).json, due, 'nobody goes on without one');

  const bare = await owner.post('/api/v1/kit');
  assert.equal(bare.status, 200, bare.text);
  assert.match(String(bare.headers['content-disposition']), /holdfast-recovery-kit-.*\.zip/);
  const files = unzipped(world.folder, bare.bytes);
  assert.ok(files['RECOVERY.md']?.includes(join(world.folder, 'main')), 'with the real address');
  assert.ok(files['holdfast.yaml']?.includes('nightly:'), 'with the plans that are stored');
  assert.ok(files['holdfast_decode.py'] && files['holdfast-decode.mjs'] && files['signers.json']);
  assert.equal(files['KEY.txt'], undefined);
  const { made_at: madeAt, first } = (await owner.get('/api/v1/kit')).json;
  assert.ok(madeAt !== null && first === false);
  assert.deepEqual((await owner.get(KEYS)).json.kit, { made_at: madeAt, complete: true });

  assert.equal((await owner.post('/api/v1/kit', { passphrase: 'password1' })).json.code, 'password_weak');
  const wrapped = unzipped(world.folder, (await owner.post('/api/v1/kit', { passphrase: PASSPHRASE })).bytes);
  assert.match(wrapped['KEY.txt'] ?? '', /^hfw1-/m);
  const everything = Object.values({ ...files, ...wrapped }).join('');
  assert.ok(!everything.replace(/\s/g, '').includes(world.keyText), 'the key never goes out as it is');
  assert.deepEqual(readdirSync(join(world.folder, 'home', 'downloads')), [], 'nothing stays on the server');

  await owner.post(KEYS, { key: PASSPHRASE, label: 'words' });
  assert.equal((await owner.get(KEYS)).json.kit.complete, false, 'a kit is due after a new key');
  const told = world.records
    .filter(({ action }) => action === 'POST /api/v1/kit')
    .map(({ object }) => object.key);
  assert.deepEqual(told, ['none', 'none', 'wrapped', 'wrapped'], 'the ledger says what was handed out');
});

test('neither a token nor an old login changes keys or takes a kit, and an operator sees nothing of them', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: made } = await owner.post('/api/v1/tokens', { name: 'keys', scopes: ['keys:generate'] });
  const token = world.client();
  token.headers.authorization = `Bearer ${made.secret}`;
  assert.equal((await token.get(KEYS)).status, 200);
  const operator = await person(world, owner, 'operator@example.org', 'operator');
  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  const [{ slot_id: slot }] = (await owner.get(KEYS)).json.items;
  for (const [method, path, body] of [
    ['POST', '/api/v1/kit', {}],
    ['POST', KEYS, { key: PASSPHRASE }],
    ['DELETE', `${KEYS}/${slot}`],
  ] as const) {
    const sent = body ? { body } : {};
    assert.equal((await token.send(method, path, sent)).status, 403, `${method} ${path} with a token`);
    assert.equal((await owner.send(method, path, sent)).json.code, 'proof_needed', `${method} ${path}`);
    assert.equal((await operator.send(method, path, sent)).status, 403);
  }
  assert.equal((await operator.get(KEYS)).status, 403);
  assert.equal((await operator.get('/api/v1/kit')).status, 403);
  assert.equal((await owner.get(KEYS)).json.items.length, 1);
  assert.ok(!existsSync(join(world.folder, 'home', 'downloads')), 'no kit was begun');
});
